import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientSession } from '@callhome/shared/netconf/client-session.js';
import { frameMessage } from '@callhome/shared/netconf/framing.js';
import { describe, expect, it } from 'vitest';
import { code, connect, reply } from './client-rig.js';

describe('notifications', () => {
  const notification = (text: string) =>
    `<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><eventTime>2030-01-01T00:00:00Z</eventTime>${text}</notification>`;

  it('are kept apart from replies', async () => {
    const seen: string[] = [];
    const { session, device } = await connect('chunked', {
      onNotification: (xml) => seen.push(xml),
      maxMessage: 1000,
    });
    const answer = session.request('<get/>');
    device.say(notification('<a/>'));
    device.say(notification('x'.repeat(10_000)));
    device.say(notification('<b></c>'));
    device.say(reply(await device.nextId(), '<ok/>'));
    device.say(notification('<b/>'));
    await answer;
    const last = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    await last;
    expect(seen).toEqual([notification('<a/>'), notification('<b/>')]);
  });

  it('end the session when their handler throws', async () => {
    const error = new Error('a fault of the handler');
    const { session, device } = await connect('chunked', {
      onNotification() {
        throw error;
      },
    });
    device.say(notification('<a/>'));
    expect(await session.closed).toBe(error);
  });

  it('are dropped without a handler', async () => {
    const { session, device } = await connect('chunked');
    const answer = session.request('<get/>');
    device.say(notification('<a/>'));
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await answer).xml).toContain('<ok/>');
  });
});

describe('what nobody waits for', () => {
  const notification =
    '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><a></b></notification>';

  /** Says it until the session is over. */
  async function flood(
    session: ClientSession,
    device: Awaited<ReturnType<typeof connect>>['device'],
    bytes: Buffer,
  ) {
    let state: 'open' | 'over' = 'open';
    const over = session.closed.finally(() => {
      state = 'over';
    });
    while (state === 'open') {
      if (!device.raw(bytes)) await Promise.race([once(device.duplex, 'drain'), over]);
      await nextTurn();
    }
    return over;
  }

  it.each([
    ['notifications', frameMessage(notification, 'chunked')],
    ['replies', frameMessage(reply('x', '<a></b>'), 'chunked')],
    ['notifications that are large', frameMessage(`${notification}${' '.repeat(1_000_000)}`, 'chunked')],
  ])('%s, is skipped, and ends the session where it does not end', async (_what, message) => {
    const { session, device } = await connect('chunked');
    device.raw(message);
    const answer = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await answer).xml).toContain('<ok/>');
    expect(await flood(session, device, message)).toEqual(code('CALLHOME_TRAFFIC_USELESS'));
  });

  it('because who asked has given up is in order, however much of it there is', async () => {
    const { session, device } = await connect('chunked');
    const aborters = Array.from({ length: 20 }, () => new AbortController());
    const asked = aborters.map(({ signal }) => session.request('<get/>', { signal }));
    const outcomes = Promise.allSettled(asked);
    const ids: string[] = [];
    for (const _each of asked) ids.push(await device.nextId());
    for (const aborter of aborters) aborter.abort();
    await outcomes;
    for (const id of ids) {
      if (!device.say(reply(id, 'x'.repeat(1_000_000)))) await once(device.duplex, 'drain');
    }
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await next).xml).toContain('<ok/>');
  });

  it('ends no session that takes notifications', async () => {
    let seen = 0;
    const { session, device } = await connect('chunked', {
      onNotification() {
        seen += 1;
      },
    });
    const message = frameMessage(notification.replace('</b>', '</a>'), 'chunked');
    for (let sent = 0; sent < 6000; sent++) {
      if (!device.raw(message)) await once(device.duplex, 'drain');
    }
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    await next;
    expect(seen).toBe(6000);
  });
});
