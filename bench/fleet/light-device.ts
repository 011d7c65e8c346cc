import { connect, type Socket } from 'node:net';
import { deferred } from '@callhome/shared/deferred.js';
import { createDeframer, frameMessage } from '@callhome/shared/netconf/framing.js';
import { base10, base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { baseNamespace } from '@callhome/shared/netconf/namespaces.js';
import { hostSigners, type KeyPair } from '@callhome/shared/ssh/key-pair.js';
import ssh2, { type ServerChannel } from 'ssh2';

// Keep-alives are the collector's, so that its own can be measured.
Object.assign(ssh2.Server, { KEEPALIVE_CLIENT_INTERVAL: 0 });

/** For a whole call home. Milliseconds. */
const callTimeout = 60_000;

/** A device that does as little as a device can: it lets every key in, and knows two answers. */
export interface LightDevice {
  /** Calls home; resolves when the collector has said its NETCONF hello. */
  call(port: number): Promise<void>;
  hangUp(): void;
}

const hello = frameMessage(
  helloMessage({
    capabilities: [base10, base11, 'urn:example:light-device?revision=2026-01-01'],
    sessionId: 1,
  }),
  'end-of-message',
);

const interfaceOf = (index: number): string =>
  `<interface><name>ge-0/0/${index}</name><enabled>true</enabled><mtu>1500</mtu>` +
  `<statistics><in-octets>${index * 7919}</in-octets><out-octets>${index * 104729}</out-octets></statistics></interface>`;

/** Dense XML: an element for every 25 bytes. */
const interfaces = Array.from({ length: 350 }, (_, index) => interfaceOf(index + 1000)).join('');
const chunk = Buffer.from(`\n#${Buffer.byteLength(interfaces)}\n${interfaces}`);

/** `<get-config>` is answered with a large reply of about so many bytes, anything else with an empty one. */
async function answer(channel: ServerChannel, request: string, largeReply: number): Promise<void> {
  const id = /message-id="([^"]*)"/.exec(request)?.[1] ?? '';
  const open = `<rpc-reply xmlns="${baseNamespace}" message-id="${id}"><data>`;
  const close = '</data></rpc-reply>';
  if (!request.includes('get-config')) {
    channel.write(frameMessage(`${open}${close}`, 'chunked'));
    return;
  }
  channel.write(`\n#${open.length}\n${open}`);
  for (let sent = 0; sent < largeReply && channel.writable; sent += chunk.length) {
    if (!channel.write(chunk)) await new Promise((resolve) => channel.once('drain', resolve));
  }
  channel.write(`\n#${close.length}\n${close}\n##\n`);
}

function serveNetconf(channel: ServerChannel, largeReply: number, greeted: () => void): void {
  let state: 'hello' | 'open' = 'hello';
  let message = '';
  const deframer = createDeframer({
    data(piece) {
      message += piece.toString('latin1');
    },
    end() {
      if (state === 'open') void answer(channel, message, largeReply);
      else {
        state = 'open';
        deframer.use('chunked');
        greeted();
      }
      message = '';
    },
  });
  channel.on('data', (data: Buffer) => deframer.push(data));
  channel.write(hello);
}

/** @param largeReply in bytes */
export function createLightDevice(hostKey: KeyPair, largeReply: number): LightDevice {
  let socket: Socket | undefined;
  let home = deferred<void>();
  const server = new ssh2.Server({ hostKeys: hostSigners([hostKey]) }, (connection) => {
    const called = home;
    connection.on('authentication', (context) => {
      if (context.method === 'publickey') context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (accept) => {
      accept().on('subsystem', (acceptSubsystem) => {
        serveNetconf(acceptSubsystem(), largeReply, () => called.resolve());
      });
    });
    connection.on('error', (error) => called.reject(error));
  });
  return {
    async call(port) {
      const called = deferred<void>();
      home = called;
      const timer = setTimeout(() => called.reject(new Error('the call home took too long')), callTimeout);
      const dialled = connect({ host: '127.0.0.1', port, noDelay: true });
      socket = dialled;
      dialled.on('error', (error) => called.reject(error));
      dialled.once('close', () => called.reject(new Error('the collector closed the connection')));
      dialled.once('connect', () => server.injectSocket(dialled));
      try {
        await called.promise;
      } finally {
        clearTimeout(timer);
      }
    },
    hangUp() {
      socket?.destroy();
    },
  };
}
