import type { Socket } from 'node:net';
import { embeddedBackend } from '@callhome/agent/backend/embedded.js';
import type { ServedConnection } from '@callhome/agent/connection/connection.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { base10, base11 } from '@callhome/shared/netconf/hello.js';
import type { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { createRig, internals, logIn, subsystem } from './rig.js';

const rig = createRig();
const sessions = 10;
const megabyte = 1024 * 1024;

const key = { name: 'one', 'public-key': 'QUFB'.repeat(1000) };
const configuration = { 'ietf-keystore:keystore': { 'asymmetric-keys': { 'asymmetric-key': [key] } } };
const capabilities = [base10, base11].map((uri) => `<capability>${uri}</capability>`).join('');
const namespace = 'urn:ietf:params:xml:ns:netconf:base:1.0';
const hello = `<hello xmlns="${namespace}"><capabilities>${capabilities}</capabilities></hello>]]>]]>`;
const request = `<rpc xmlns="${namespace}" message-id="1"><get/></rpc>`;
const requests = `\n#${request.length}\n${request}\n##\n`.repeat(10_000);

interface Flood {
  readonly connection: ServedConnection;
  readonly device: Socket;
  readonly nms: Socket;
  /** Resolves when all sessions are over. */
  readonly over: Promise<unknown>;
}

/** A management system that opens sessions, asks without end on each, and reads nothing of its socket. */
async function flood(): Promise<Flood> {
  const { device, nms } = await rig.dial();
  const backend = embeddedBackend(
    () => configuration,
    () => '',
    rig.captured.log,
  );
  const overs: Promise<void>[] = [];
  const serving = rig.serve(device, {
    maxSessions: sessions,
    onSession(channel) {
      const over = backend.open(channel, {
        user: '',
        remote: { address: '', port: 0 },
        local: { address: '', port: 0 },
      });
      overs.push(over);
      return over;
    },
  });
  const client: Client = await logIn(nms);
  const connection = await serving;
  for (let session = 0; session < sessions; session += 1) {
    const channel = await subsystem(client);
    channel.on('error', () => undefined);
    // It lets replies come, as many as there are, and takes none off its socket.
    Object.assign(internals(rig.channels[session], 'outgoing'), { window: Number.MAX_SAFE_INTEGER });
    channel.write(hello);
    channel.write(requests);
  }
  nms.pause();
  await expect.poll(() => device.writableNeedDrain, { timeout: 60_000 }).toBe(true);
  return { connection, device, nms, over: Promise.all(overs) };
}

/** What the process holds, when it has had turns enough to take all that has come. Bytes. */
async function settledMemory(): Promise<number> {
  for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate);
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('ten sessions on which a peer asks without end and reads nothing', () => {
  it('hold what is bounded, and end at once when the connection is cut', async () => {
    const before = await settledMemory();
    const { nms, connection, device, over } = await flood();
    expect((await settledMemory()) - before).toBeLessThan(150 * megabyte);
    expect(device.writableLength).toBeLessThan(4 * megabyte);
    expect(connection.sessions.open).toBe(sessions);

    nms.resetAndDestroy();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_CONNECTION_LOST' });
    await over;
    expect((await settledMemory()) - before).toBeLessThan(150 * megabyte);
  });

  it('end at once when the agent stops', async () => {
    const { connection, over } = await flood();
    connection.end(new CallhomeError('CALLHOME_STOPPED', {}));
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_STOPPED' });
    await over;
  });

  it('end soon when the peer goes in order', async () => {
    const { nms, connection, over } = await flood();
    nms.destroy();
    await connection.ended;
    await over;
  });
});
