import { expect, test } from 'vitest';
import { startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { createLightDevice } from './light-device.js';

const owned = createOwner();
const namespace = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
const endOfMessage = ']]>]]>';
const hello =
  `<hello ${namespace}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>` +
  `<session-id>1</session-id></hello>${endOfMessage}`;

const later = (act: () => void) => setTimeout(act, 100);

/** What a device says in `<data>`, by the name of the operation, and how the collector tells of it. */
const replies: Record<string, [say: (write: (text: string) => void) => unknown, code: string, why: string]> =
  {
    'bad-at-once': [(write) => write(`<a></b>${endOfMessage}`), 'CALLHOME_XML', 'bad XML: 1:'],
    'bad-later': [(write) => later(() => write(`<a></b>${endOfMessage}`)), 'CALLHOME_XML', 'bad XML: 1:'],
    deep: [
      (write) => later(() => write(`${'<a>'.repeat(300)}${endOfMessage}`)),
      'CALLHOME_XML',
      'bad XML: elements more than 256 deep',
    ],
    attributes: [
      (write) => write(`<a ${Array.from({ length: 300 }, (_, i) => `b${i}=""`).join(' ')}/>${endOfMessage}`),
      'CALLHOME_XML',
      'bad XML: an element with more than 256 attributes',
    ],
    comment: [
      (write) => write(`<!--${'x'.repeat(1100 * 1024)}${endOfMessage}`),
      'CALLHOME_XML',
      'bad XML: a name, attribute, text or comment longer than 1048576 characters',
    ],
    silence: [() => undefined, 'CALLHOME_REPLY_TIMEOUT', 'nothing has come for 0.5 s'],
  };

test('a reply that is bad, too large, too slow or lost with its device is told as such, by the command and in the log', async () => {
  const collector = owned(await startCollector());
  const device = createLightDevice();
  await collector.addDevice('router1', device.hostKey);
  const { socket } = await device.call(collector.port, (channel) => {
    let input = '';
    channel.write(hello);
    channel.on('data', (data: Buffer) => {
      input += data;
      const [, id, operation = ''] = /<rpc [^>]*message-id="(\d+)"><([a-z-]+)/.exec(input) ?? [];
      if (id === undefined) return;
      input = '';
      channel.write(`<rpc-reply ${namespace} message-id="${id}"><data>`);
      if (operation === 'loss') later(() => socket.destroy());
      else replies[operation]?.[0]((text) => channel.write(text));
    });
  });
  owned({ stop: async () => void socket.destroy() });
  await collector.connected('router1');

  const told = async (operation: string, code: string, why: string) => {
    const rpc = await collector.command(['rpc', 'router1', '--timeout', '0.5'], `<${operation}/>`);
    expect(rpc).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^callhome-nms: the reply of the device "router1" was cut off: .*\n$/),
    });
    expect(rpc.stderr).toContain(`cut off: ${why}`);
    expect(collector.program.lines({ msg: 'reply cut off' }).at(-1)).toMatchObject({
      level: 'warn',
      device: 'router1',
      code,
      reason: expect.stringContaining(why),
    });
  };
  for (const [operation, [, code, why]] of Object.entries(replies)) await told(operation, code, why);
  await told('loss', 'CALLHOME_SESSION_CLOSED', 'the NETCONF session is closed: ');
  expect(collector.program.lines({ msg: 'reply cut off' })).toHaveLength(7);
  expect(collector.program.lines({ msg: 'device connected' })).toHaveLength(1);
});
