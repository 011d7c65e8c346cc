import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/**
 * Seconds until the kernel's keep-alive timer of a socket on 127.0.0.1 fires; undefined where it has none
 * (proc(5), /proc/net/tcp).
 */
export async function keepaliveTimer({ localPort = 0, remotePort = 0 }: Socket): Promise<number | undefined> {
  const hex = (n: number) => n.toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
  const line = lines.find((line) => line.includes(`:${hex(localPort)} 0100007F:${hex(remotePort)} `));
  const [kind, ticks = ''] = line?.trim().split(/\s+/)[5]?.split(':') ?? [];
  return kind === '02' ? Number.parseInt(ticks, 16) / 100 : undefined;
}
