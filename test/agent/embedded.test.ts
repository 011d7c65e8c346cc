import { embeddedBackend } from '@callhome/agent/backend/embedded.js';
import { openClientSession } from '@callhome/shared/netconf/client-session.js';
import { afterEach, describe, expect, it } from 'vitest';
import { captureLog } from '../programs/captured-log.js';
import { duplexPair } from '../shared/netconf/duplex-pair.js';

const origin = { user: 'callhome', remote: { address: '', port: 0 }, local: { address: '', port: 0 } };
const keystore = { 'asymmetric-keys': { 'asymmetric-key': [{ name: 'one', 'public-key': 'QUFB' }] } };
const configuration = { 'ietf-keystore:keystore': keystore };
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function createBackend() {
  return embeddedBackend(
    () => configuration,
    () => '',
    captureLog().log,
  );
}

async function connect(backend = createBackend()) {
  const [near, far] = duplexPair();
  const over = backend.open(far, origin);
  const session = await openClientSession(near);
  ends.push(() => session.destroy(new Error('the test is over')));
  return { session, over };
}

const running = '<source><running/></source>';

describe('the embedded backend', () => {
  it('answers get and get-config with its data, or what a filter selects', async () => {
    const { session } = await connect();
    for (const operation of ['<get/>', `<get-config>${running}</get-config>`]) {
      expect((await session.request(operation)).xml).toContain('<name>one</name>');
    }
    const filter = '<filter type="subtree"><other xmlns="urn:x"/></filter>';
    expect((await session.request(`<get>${filter}</get>`)).xml).toMatch(/<data\/>|<data><\/data>/);
  });

  it.each([
    ['<get-config/>', 'missing-element', 'source'],
    ['<get-config><source/></get-config>', 'missing-element', 'running'],
    ['<get-config><source><running xmlns="urn:x"/></source></get-config>', 'unknown-element', 'running'],
    ['<get-config><source><candidate/></source></get-config>', 'operation-not-supported', undefined],
    ['<get><bogus/></get>', 'unknown-element', 'bogus'],
    ['<get><filter/><filter/></get>', 'bad-element', 'filter'],
    ['<get><filter type="xpath" select="/"/></get>', 'operation-not-supported', undefined],
    ['<get><filter type="nonsense"/></get>', 'bad-attribute', 'filter'],
    [`<get><filter>${'<z/>'.repeat(2001)}</filter></get>`, 'too-big', undefined],
    ['<kill-session/>', 'missing-element', 'session-id'],
    ['<kill-session><session-id>0x2</session-id></kill-session>', 'invalid-value', 'session-id'],
    ['<kill-session><session-id>1</session-id></kill-session>', 'invalid-value', 'session-id'],
    ['<kill-session><session-id>99</session-id></kill-session>', 'invalid-value', 'session-id'],
    ['<commit/>', 'operation-not-supported', undefined],
    ['<get xmlns="urn:x"/>', 'operation-not-supported', undefined],
  ])('refuses %s', async (operation, tag, element) => {
    const { session } = await connect();
    const { errors } = await session.request(operation);
    expect(errors).toMatchObject([{ tag, severity: 'error' }]);
    if (element) expect(errors[0]?.info).toContain(`>${element}</`);
  });

  it('ends a session whose request is larger than any operation needs', async () => {
    const { session, over } = await connect();
    session.request(`<get><filter>${' '.repeat(70_000)}</filter></get>`).catch(() => undefined);
    await over;
    expect(await session.closed).toBeDefined();
  });

  it('leaves a turn to others after each of the requests that come at once', async () => {
    const { session } = await connect();
    let turns = 0;
    let counting = setImmediate(function count() {
      turns += 1;
      counting = setImmediate(count);
    });
    ends.push(() => clearImmediate(counting));
    await Promise.all(Array.from({ length: 50 }, () => session.request('<get/>')));
    expect(turns).toBeGreaterThanOrEqual(50);
  });

  it('ends another session when it is told to', async () => {
    const backend = createBackend();
    const first = await connect(backend);
    const second = await connect(backend);
    const kill = `<kill-session><session-id>${first.session.sessionId}</session-id></kill-session>`;
    expect((await second.session.request(kill)).xml).toContain('<ok/>');
    expect(await first.session.closed).toBeDefined();
    await first.over;
  });
});
