import { frameMessage } from '@callhome/shared/netconf/framing.js';
import { base10, helloMessage } from '@callhome/shared/netconf/hello.js';
import { followSession, type SessionFollower } from '@callhome/shared/netconf/session-follower.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const hello = `${helloMessage({ capabilities: [base10] })}]]>]]>`;
const rpc = '<?xml version="1.0"?>\n<!-- ]]> --><rpc message-id="1"><get/></rpc>';
const notification = '<n:notification xmlns:n="urn:x"><eventTime/></n:notification>';

function follow(bytes: Buffer, cuts: readonly number[]): { follower: SessionFollower; ofHello: number } {
  const follower = followSession();
  let ofHello = 0;
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [i, from] of [0, ...at].entries())
    ofHello += follower.push(bytes.subarray(from, at[i] ?? bytes.length));
  return { follower, ofHello };
}

it('tells where the hello ends and how many messages follow, under any segmentation', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('', 'Welcome ]]> to <router1>\r\n', '\ufeff'),
      fc.constantFrom('', '\n', '\r\n \n'),
      fc.constantFrom('end-of-message' as const, 'chunked' as const),
      fc.array(fc.constantFrom(rpc, notification, rpc.repeat(1000)), { maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (banner, space, framing, messages, cuts) => {
        const start = banner + hello;
        const bytes = Buffer.concat([
          Buffer.from(start + space),
          ...messages.flatMap((message) => [frameMessage(message, framing), Buffer.from(space)]),
        ]);
        const { follower, ofHello } = follow(bytes, cuts);
        expect(ofHello).toBe(Buffer.byteLength(start));
        expect(follower.state).toBe('messages');
        expect(follower.messages).toBe(messages.filter((message) => message !== notification).length);
        expect(follower.problem()).toBeUndefined();
      },
    ),
    { numRuns: 300 },
  );
});

it('is lost where there is no hello, and holds nothing back then', () => {
  const texts: [string, string | undefined][] = [
    [`${rpc}]]>]]>`, 'its first message is not a <hello>'],
    ['x'.repeat(1 << 20), undefined],
  ];
  for (const [text, problem] of texts) {
    const { follower, ofHello } = follow(Buffer.from(text), [1000, 2000]);
    expect(follower.state).toBe('lost');
    expect(ofHello).toBe(text.length);
    expect(follower.problem()).toBe(problem);
    expect(follower.push(Buffer.from('more'))).toBe(4);
  }
});

it('waits for the hello to end', () => {
  const { follower, ofHello } = follow(Buffer.from(hello.slice(0, -1)), []);
  expect(follower.state).toBe('hello');
  expect(ofHello).toBe(hello.length - 1);
});

it('tells of a message that does not end, and of framing that is bad', () => {
  expect(follow(Buffer.from(`${hello}\n${rpc}\n`), []).follower.problem()).toContain('middle of a message');
  expect(follow(Buffer.from(`${hello}\n#99\n${rpc}`), []).follower.problem()).toContain(
    'middle of a message',
  );
  const bad = follow(Buffer.from(`${hello}\n#9\n${rpc}\n##\n`), []).follower;
  expect(bad.problem()).toContain('bad NETCONF framing');
  expect(bad.state).toBe('lost');
});
