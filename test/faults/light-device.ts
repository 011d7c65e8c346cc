import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generateKeyPair, hostSigners, type KeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';

/** One connection of a light device. */
export interface DeviceCall {
  readonly socket: Socket;
  /** The device's end of SSH. */
  readonly connection: Connection;
}

/** A device that is no more than a plain ssh2 server on the connections that it makes. */
export interface LightDevice {
  /** Its public host key: one line. */
  readonly hostKey: string;
  /** Calls a collector on loopback, and lets it in; `onChannel` takes the channel of each NETCONF session. */
  call(port: number, onChannel: (channel: ServerChannel) => void): Promise<DeviceCall>;
}

export function createLightDevice(): LightDevice {
  const key: KeyPair = generateKeyPair();
  const hostKeys = hostSigners([key]);
  return {
    hostKey: publicKeyLine(key.publicKey, ''),
    async call(port, onChannel) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      const server = new ssh2.Server({ hostKeys });
      const accepted = new Promise<Connection>((resolve) => server.once('connection', resolve));
      server.injectSocket(socket);
      const connection = await accepted;
      connection.on('error', () => undefined);
      connection.on('authentication', (context) => {
        if (context.method === 'publickey') context.accept();
        else context.reject(['publickey']);
      });
      connection.on('session', (accept) => {
        accept().on('subsystem', (acceptSubsystem) => onChannel(acceptSubsystem()));
      });
      return { socket, connection };
    },
  };
}
