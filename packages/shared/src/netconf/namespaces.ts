/** RFC 6241's namespace. */
export const baseNamespace = 'urn:ietf:params:xml:ns:netconf:base:1.0';

/** RFC 5277's namespace of `<notification>`. */
export const notificationNamespace = 'urn:ietf:params:xml:ns:netconf:notification:1.0';

/** Whether an element received is NETCONF's own: old Junos leaves the namespace out. */
export function isBase(namespace: string): boolean {
  return namespace === baseNamespace || namespace === '';
}
