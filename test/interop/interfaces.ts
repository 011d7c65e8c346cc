/** The `<config>` that adds one interface to `ietf-interfaces`. */
export function interfaceConfig(name: string): string {
  return `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">
  <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface>
    <name>${name}</name>
    <type xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type">ianaift:ethernetCsmacd</type>
  </interface></interfaces>
</config>`;
}
