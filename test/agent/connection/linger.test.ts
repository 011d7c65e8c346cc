import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { createRig, internals, logIn, subsystem } from './rig.js';

const rig = createRig();
const goodbye = '<rpc message-id="1"><close-session/></rpc>';
/** Seconds. */
const sessionLingerSeconds = 0.2;
/** Longer than that. Milliseconds. */
const longer = 600;

/** A connection whose sessions are closed by the device when the client has asked for it. */
async function connected(): Promise<{ client: Client; connection: Awaited<ReturnType<typeof rig.serve>> }> {
  const { device, nms } = await rig.dial();
  const serving = rig.serve(device, {
    sessionLingerSeconds,
    async onSession(channel) {
      let said = '';
      for await (const piece of channel) {
        said += piece;
        if (said.endsWith(goodbye)) break;
      }
      channel.end();
      await once(channel, 'close');
    },
  });
  const client = await logIn(nms);
  return { client, connection: await serving };
}

async function closedInOrder(channel: ClientChannel): Promise<void> {
  channel.resume().write(goodbye);
  await once(channel, 'end');
}

/** Whether the agent keeps a connection for longer than another session may take to come. */
async function stays(connection: { readonly ended: Promise<unknown> }): Promise<boolean> {
  return await Promise.race([connection.ended.then(() => false), pause(longer, true)]);
}

describe('a connection whose last session was closed by <close-session>', () => {
  it('is ended when no other session comes', async () => {
    const { client, connection } = await connected();
    await closedInOrder(await subsystem(client));
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_SESSIONS_DONE' });
  });

  it('is ended, too, when the client never closes the channel', async () => {
    const { client, connection } = await connected();
    const channel = await subsystem(client);
    internals(client, '_protocol')['channelClose'] = (() => undefined) as never;
    await closedInOrder(channel);
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_SESSIONS_DONE' });
  });

  it('is kept when another session comes in time, until that is closed in order', async () => {
    const { client, connection } = await connected();
    await closedInOrder(await subsystem(client));
    const second = await subsystem(client);
    expect(await stays(connection)).toBe(true);
    await closedInOrder(second);
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_SESSIONS_DONE' });
  });

  it('is ended, too, when a session follows that is closed before anything is served on it', async () => {
    const { client, connection } = await connected();
    await closedInOrder(await subsystem(client));
    await expect(subsystem(client, 'another')).rejects.toThrow();
    for (const channel of Object.values(internals(client, '_chanMgr', '_channels')))
      (channel as ClientChannel).close();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_SESSIONS_DONE' });
  });

  it('is kept while another session is open', async () => {
    const { client, connection } = await connected();
    await subsystem(client);
    await closedInOrder(await subsystem(client));
    expect(await stays(connection)).toBe(true);
  });
});

describe('a connection is kept', () => {
  it('when it has had no session', async () => {
    const { connection } = await connected();
    expect(await stays(connection)).toBe(true);
  });

  it('when its client closes the channel of the last session and does not say <close-session>', async () => {
    const { client, connection } = await connected();
    const channel = await subsystem(client);
    channel.resume().end();
    await once(channel, 'close');
    expect(await stays(connection)).toBe(true);
  });
});
