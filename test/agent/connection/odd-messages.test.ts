import fc from 'fast-check';
import { expect, it } from 'vitest';
import { oddMessages } from '../../shared/ssh/odd-messages.js';
import { send } from '../../shared/ssh/raw-message.js';
import { closed, createRig, logIn, subsystem } from './rig.js';

const rig = createRig();

it("the agent's SSH server outlives whatever a user sends, and serves the others", async () => {
  const other = await rig.dial();
  const serving = rig.serve(other.device);
  const healthy = await logIn(other.nms);
  await serving;
  await fc.assert(
    fc.asyncProperty(oddMessages, fc.boolean(), async (messages, withSession) => {
      const { device, nms } = await rig.dial();
      const connecting = rig.serve(device);
      const client = await logIn(nms);
      const { ended } = await connecting;
      if (withSession) await subsystem(client);
      // It listens to nothing.
      nms.removeAllListeners('data').resume();
      for (const message of messages) send(client, ...message);
      const gone = closed(device);
      nms.end();
      await ended;
      await gone;
    }),
    { numRuns: 40 },
  );
  const channel = await subsystem(healthy);
  channel.write('x');
  await expect.poll(() => rig.channels.at(-1)?.readableLength).toBe(1);
  healthy.end();
});
