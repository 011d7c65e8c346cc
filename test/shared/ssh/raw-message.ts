import type { Client, Connection } from 'ssh2';

function member(owner: unknown, name: string): unknown {
  return Reflect.get(Object(owner), name);
}

/** A number in a message. */
export const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Sends a message that ssh2 has no method for: texts stand behind their length, numbers are bytes. */
export function send(connection: Client | Connection, ...parts: readonly (Buffer | string | number)[]): void {
  const message = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.from([part]);
      if (part instanceof Buffer) return part;
      const text = Buffer.alloc(4 + part.length);
      text.writeUInt32BE(part.length);
      text.write(String(part), 4, 'latin1');
      return text;
    }),
  );
  const cipher = member(member(connection, '_protocol'), '_cipher');
  const allocate = member(cipher, 'allocPacket') as (length: number) => Buffer;
  const packet = allocate.call(cipher, message.length);
  packet.set(message, 5);
  (member(cipher, 'encrypt') as (packet: Buffer) => void).call(cipher, packet);
}
