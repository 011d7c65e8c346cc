/**
 * What to write instead of members that this model does not have: they are of earlier drafts of the modules, or of
 * libnetconf2's augments (module libnetconf2-netconf-server). By their names, which nothing else is called.
 */
const instead: Readonly<Record<string, string>> = {
  // earlier drafts
  algorithm: 'leave it out, and give the private-key-format',
  'asymmetric-certificate': 'leave it out',
  cert: 'it is cert-data now',
  'cert-maps': 'it is netconf-server-parameters/client-identity-mappings beside tls-server-parameters now',
  certificates: 'it is certificate-bags/certificate-bag now',
  'client-auth': 'it is client-authentication now',
  'client-certs': 'it is ee-certs now',
  endpoint: 'it is in endpoints now',
  'keystore-reference': 'it is central-keystore-reference now',
  'local-address': 'it is in local-bind now',
  'local-definition': 'it is inline-definition now',
  'local-port': 'it is in local-bind now',
  required: 'leave it out',
  'private-key': 'it is cleartext-private-key now, with a private-key-format',
  'supported-authentication-methods':
    'leave it out: a user has to pass the methods that are configured for it',
  'truststore-reference': 'it is central-truststore-reference now',
  // libnetconf2
  'auth-timeout': 'leave it out: handshake-timeout of callhome-agent:agent is the limit for all',
  banner: 'leave it out',
  'endpoint-reference': 'give the users themselves, in users of this client-authentication',
  'keyboard-interactive': "give the user's password/hashed-password",
  'use-system-keys': "give the user's keys, in inline-definition or by a central-truststore-reference",
  'ln2-netconf-server': 'leave it out',
  unix: 'leave it out: the agent calls home, over SSH',
  // around an answer to <get-config>, and in that of a Junos device
  config: 'give what is in it, without it',
  configuration: 'a Junos configuration is for `callhome-agent convert`',
  data: 'give what is in it, without it',
  'rpc-reply': 'give what is in it, without it; a Junos configuration is for `callhome-agent convert`',
};

/** What to do about a member that the model does not have, where somebody may have it from another one. */
export function insteadOf(name: string): string | undefined {
  return Object.hasOwn(instead, name) ? instead[name] : undefined;
}
