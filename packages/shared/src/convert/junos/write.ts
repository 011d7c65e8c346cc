import type { OutboundSshClient, OutboundSshServer } from './outbound-ssh.js';
import { encodeSecret } from './secret.js';

const indentation = '    ';
const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function word(text: string): string {
  if (/^[A-Za-z0-9._:/@%+-]+$/.test(text)) return text;
  return `"${text.replace(/["\\\n\r\t]/g, (character) => escapes[character] ?? character)}"`;
}

function block(head: string, content: readonly string[]): string[] {
  return [`${head} {`, ...content.map((line) => indentation + line), '}'];
}

function serverLines({ address, port, retry, timeout }: OutboundSshServer): string[] {
  return block(word(address), [`port ${port};`, `retry ${retry};`, `timeout ${timeout};`]);
}

function clientLines(client: OutboundSshClient, random: () => number): string[] {
  const { deviceId, secret, keepAlive, reconnectStrategy, services, servers } = client;
  const lines: string[] = [];
  if (deviceId !== undefined) lines.push(`device-id ${word(deviceId)};`);
  if (secret !== undefined) lines.push(`secret "${encodeSecret(secret, random)}"; ## SECRET-DATA`);
  if (keepAlive) {
    lines.push(...block('keep-alive', [`retry ${keepAlive.retry};`, `timeout ${keepAlive.timeout};`]));
  }
  if (reconnectStrategy) lines.push(`reconnect-strategy ${reconnectStrategy};`);
  if (services.length > 1) lines.push(`services [ ${services.map(word).join(' ')} ];`);
  else lines.push(...services.map((service) => `services ${word(service)};`));
  return block(`client ${word(client.name)}`, [...lines, ...servers.flatMap(serverLines)]);
}

/**
 * The clients as Junos shows them; secrets in its reversible form.
 * @param random dice for the secrets' noise, from 0 up to but without 1
 */
export function writeJunos(clients: readonly OutboundSshClient[], random: () => number): string {
  const stanza = block(
    'outbound-ssh',
    clients.flatMap((client) => clientLines(client, random)),
  );
  return `${block('system', block('services', stanza)).join('\n')}\n`;
}
