import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { oddMessages } from '../../shared/ssh/odd-messages.js';
import { send } from '../../shared/ssh/raw-message.js';
import { closed, createRig, serve } from './rig.js';

const rig = createRig();
const healthyKey = generateKeyPair();

it("the collector's SSH client outlives whatever a device sends, and keeps the others", async () => {
  await rig.start();
  await rig.addDevice('healthy', healthyKey);
  const connected = rig.logged('device connected');
  serve(await rig.call(), { key: healthyKey });
  await connected;
  await fc.assert(
    fc.asyncProperty(oddMessages, fc.boolean(), async (messages, answer) => {
      const socket = await rig.call();
      const gone = closed(socket);
      serve(socket, {
        onConnection(connection) {
          connection.on('session', (acceptSession) => {
            acceptSession().on('subsystem', (accept) => {
              if (answer) accept();
              // It listens to nothing.
              socket.removeAllListeners('data').resume();
              for (const message of messages) send(connection, ...message);
              socket.end();
            });
          });
        },
      });
      await gone;
    }),
    { numRuns: 40 },
  );
  expect(await rig.ask('healthy')).toContain('<ok/>');
});
