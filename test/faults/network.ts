import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Runner } from '../programs/logged-program.js';

const execute = promisify(execFile);

/** One host of a network. */
export interface Host {
  readonly address: string;
  /** Runs one of our programs there. */
  readonly runner: Runner;
  /** The states of the TCP sockets on its address that neither listen nor dial, as the kernel has them. */
  sockets(): Promise<string[]>;
}

/** A device's and a management system's network namespaces, with a third between them that routes. */
export interface Network {
  readonly device: Host;
  readonly nms: Host;
  /** An address that swallows what is sent to it. */
  readonly nowhere: string;
  /** Drops every packet between the two: a black hole, in which nothing is closed. */
  cut(): Promise<void>;
  /** Ends `cut`. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the namespaces: needs root and iproute2. */
export async function createNetwork(): Promise<Network> {
  const id = randomBytes(4).toString('hex');
  const namespace = (name: string) => `callhome-${id}-${name}`;
  const [device, router, nms] = [namespace('device'), namespace('router'), namespace('nms')];
  const made: string[] = [];
  const ip = (...args: string[]) => execute('ip', args);
  const stop = async () => {
    // With a namespace go its interfaces and their other ends.
    for (const name of made.splice(0)) await ip('netns', 'delete', name);
  };
  const forward = (on: 0 | 1) =>
    ip('netns', 'exec', router, 'sh', '-c', `echo ${on} >/proc/sys/net/ipv4/ip_forward`);

  const host = (name: string, address: string): Host => ({
    address,
    runner: ['ip', 'netns', 'exec', name, process.execPath],
    async sockets() {
      const { stdout } = await ip('netns', 'exec', name, 'ss', '-Htn', 'state', 'connected', 'src', address);
      const states = stdout.split('\n').flatMap((line) => line.split(/\s+/, 1));
      return states.filter((state) => state !== '' && state !== 'SYN-SENT');
    },
  });

  try {
    for (const name of [device, router, nms]) {
      await ip('netns', 'add', name);
      made.push(name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    for (const [end, own, gateway] of [
      [device, '192.0.2.2', '192.0.2.1'],
      [nms, '198.51.100.2', '198.51.100.1'],
    ] as const) {
      const port = end === device ? 'to-device' : 'to-nms';
      await ip('link', 'add', 'uplink', 'netns', end, 'type', 'veth', 'peer', 'name', port, 'netns', router);
      await ip('-n', end, 'address', 'add', `${own}/24`, 'dev', 'uplink');
      await ip('-n', router, 'address', 'add', `${gateway}/24`, 'dev', port);
      await ip('-n', router, 'link', 'set', port, 'up');
      await ip('-n', end, 'link', 'set', 'uplink', 'up');
      await ip('-n', end, 'route', 'add', 'default', 'via', gateway);
    }
    await ip('-n', router, 'route', 'add', 'blackhole', '203.0.113.0/24');
    await forward(1);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    device: host(device, '192.0.2.2'),
    nms: host(nms, '198.51.100.2'),
    nowhere: '203.0.113.1',
    cut: async () => void (await forward(0)),
    mend: async () => void (await forward(1)),
    stop,
  };
}
