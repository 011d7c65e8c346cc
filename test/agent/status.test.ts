import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { stateXml } from '@callhome/agent/application/state-data.js';
import { type ApplicationStatus, applicationStatuses } from '@callhome/agent/application/status.js';
import { expect, test } from 'vitest';

const at = '2026-03-01T10:07:30.250Z';

const connected: ApplicationStatus = {
  // in another order than it is shown in
  totals: { sessions: 5, connections: 1, failures: 3, attempts: 4 },
  lastError: undefined,
  sessions: 2,
  user: 'callhome',
  connectedSince: at,
  nextAttempt: undefined,
  maxAttempts: 3,
  attempt: 1,
  port: 4334,
  address: '192.0.2.1',
  endpoint: 'one',
  state: 'connected',
  connectionType: 'persistent',
  application: 'nms & <co>',
};
const waiting: ApplicationStatus = {
  application: 'other',
  connectionType: 'periodic',
  state: 'waiting',
  endpoint: 'one',
  address: '2001:db8::1',
  port: 4335,
  attempt: 2,
  maxAttempts: 3,
  nextAttempt: at,
  connectedSince: undefined,
  user: undefined,
  sessions: 0,
  lastError: { at, endpoint: 'two', message: 'no TCP connection', code: 'CALLHOME_DIAL_FAILED' },
  totals: { attempts: 1, failures: 1, connections: 0, sessions: 0 },
};
const unnamed: ApplicationStatus = {
  ...waiting,
  state: 'dialling',
  nextAttempt: undefined,
  lastError: { code: undefined, message: 'something', endpoint: 'one', at },
};

function received(...statuses: ApplicationStatus[]): string {
  return JSON.stringify(applicationStatuses.parse(JSON.parse(JSON.stringify(statuses))));
}

test('the status has its members in one order for programs, without what there is not', () => {
  expect(received(connected, waiting)).toBe(
    '[{"application":"nms & <co>","connectionType":"persistent","state":"connected","endpoint":"one",' +
      `"address":"192.0.2.1","port":4334,"attempt":1,"maxAttempts":3,"connectedSince":"${at}","user":"callhome",` +
      '"sessions":2,"totals":{"attempts":4,"failures":3,"connections":1,"sessions":5}},' +
      '{"application":"other","connectionType":"periodic","state":"waiting","endpoint":"one",' +
      `"address":"2001:db8::1","port":4335,"attempt":2,"maxAttempts":3,"nextAttempt":"${at}","sessions":0,` +
      `"lastError":{"code":"CALLHOME_DIAL_FAILED","message":"no TCP connection","endpoint":"two","at":"${at}"},` +
      '"totals":{"attempts":1,"failures":1,"connections":0,"sessions":0}}]',
  );
  expect(received(unnamed)).toContain(`"lastError":{"message":"something","endpoint":"one","at":"${at}"}`);
});

test('the status is state data by the names and in the order of the YANG module', () => {
  const namespace = 'urn:callhome:yang:callhome-agent';
  expect(stateXml([connected, waiting])).toBe(
    `<state xmlns="${namespace}">` +
      '<application><name>nms &amp; &lt;co&gt;</name><connection-type>persistent</connection-type>' +
      '<state>connected</state><endpoint>one</endpoint><address>192.0.2.1</address><port>4334</port>' +
      `<attempt>1</attempt><max-attempts>3</max-attempts><connected-since>${at}</connected-since>` +
      '<user>callhome</user><sessions>2</sessions>' +
      '<totals><attempts>4</attempts><failures>3</failures><connections>1</connections><sessions>5</sessions></totals>' +
      '</application>' +
      '<application><name>other</name><connection-type>periodic</connection-type>' +
      '<state>waiting</state><endpoint>one</endpoint><address>2001:db8::1</address><port>4335</port>' +
      `<attempt>2</attempt><max-attempts>3</max-attempts><next-attempt>${at}</next-attempt><sessions>0</sessions>` +
      '<last-error><code>CALLHOME_DIAL_FAILED</code><message>no TCP connection</message><endpoint>two</endpoint>' +
      `<at>${at}</at></last-error>` +
      '<totals><attempts>1</attempts><failures>1</failures><connections>0</connections><sessions>0</sessions></totals>' +
      '</application></state>',
  );
  expect(stateXml([unnamed])).toContain(`<last-error><message>something</message>`);
  expect(stateXml([])).toBe(`<state xmlns="${namespace}"/>`);
});

test('the state data has what the YANG module has, in its order', async () => {
  const folder = path.resolve(import.meta.dirname, '../../packages/shared/yang');
  const [file = ''] = (await readdir(folder)).filter((name) => name.startsWith('callhome-agent@'));
  const module = await readFile(path.join(folder, file), 'utf8');
  const [state = ''] = /^ {2}container state \{$.*?^ {2}\}$/ms.exec(module) ?? [];
  const nodes = [...state.matchAll(/^ *(?:container|list|leaf) ([\w-]+) \{$/gm)].map(([, name]) => name);
  const { connectedSince, user } = connected;
  const elements = stateXml([{ ...waiting, connectedSince, user }]).matchAll(/<([\w-]+)/g);
  expect([...elements].map(([, name]) => name)).toEqual(nodes);
});

test('an answer that is no status is refused', () => {
  for (const wrong of [{ ...waiting, state: 'asleep' }, { ...waiting, port: -1 }, { application: 'nms' }])
    expect(applicationStatuses.safeParse([wrong]).success).toBe(false);
});
