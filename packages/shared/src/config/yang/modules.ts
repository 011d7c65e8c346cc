const ours = 'urn:callhome:yang:';
const theirs = 'urn:ietf:params:xml:ns:yang:';

/** The XML namespace of a YANG module. */
export function namespaceOf(module: string): string {
  return `${module.startsWith('callhome-') ? ours : theirs}${module}`;
}

/** The YANG module of an XML namespace. */
export function moduleOf(namespace: string): string | undefined {
  const prefix = [ours, theirs].find((start) => namespace.startsWith(start)) ?? '';
  const module = namespace.slice(prefix.length);
  return namespaceOf(module) === namespace ? module : undefined;
}

/** The parts of a name in RFC 7951 JSON, MODULE:NAME or NAME. */
export function splitName(qualified: string): { readonly module: string | undefined; readonly name: string } {
  const colon = qualified.indexOf(':');
  return colon < 0
    ? { module: undefined, name: qualified }
    : { module: qualified.slice(0, colon), name: qualified.slice(colon + 1) };
}

/** A name as a shape has it: with its module only where that is not its parent's (RFC 7951 §4). */
export function memberName(
  module: string | undefined,
  name: string,
  parentModule: string | undefined,
): string {
  return module === undefined || module === parentModule ? name : `${module}:${name}`;
}

/** Whether anything of a module is among the members of a shape with their modules: above the top, or where it augments. */
export function hasMembersOf(shape: Readonly<Record<string, unknown>>, module: string): boolean {
  return Object.keys(shape).some((member) => splitName(member).module === module);
}
