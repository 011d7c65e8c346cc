import fc from 'fast-check';
import { number } from './raw-message.js';

/** A message as `send` takes it. */
export type OddMessage = readonly (Buffer | string | number)[];

const names = [
  'ssh-userauth',
  'ssh-connection',
  'publickey',
  'password',
  'keyboard-interactive',
  'session',
  'forwarded-tcpip',
  'x11',
  'auth-agent@openssh.com',
  'forwarded-streamlocal@openssh.com',
  'direct-tcpip',
  'subsystem',
  'netconf',
  'sftp',
  'exec',
  'shell',
  'env',
  'pty-req',
  'window-change',
  'signal',
  'exit-status',
  'exit-signal',
  'auth-agent-req@openssh.com',
  'keepalive@openssh.com',
  'hostkeys-00@openssh.com',
  'tcpip-forward',
  'streamlocal-forward@openssh.com',
  'no-more-sessions@openssh.com',
  'server-sig-algs',
];

/** All that SSH has, but for the end of a connection; those of channels are likeliest. RFC 4250 §4.1.2. */
const types = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 90, max: 100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 50, max: 82 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 255 }) },
);

const parts = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }).map(number) },
  { weight: 1, arbitrary: fc.constantFrom(0x7fffffff, 0xffffffff, 0x8000, 1 << 21).map(number) },
  { weight: 4, arbitrary: fc.constantFrom(...names) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 1 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constantFrom('', 'x'.repeat(30_000)) },
);

/** Well-framed messages of SSH that make little sense. */
export const oddMessages: fc.Arbitrary<readonly OddMessage[]> = fc.array(
  fc.tuple(types, fc.array(parts, { maxLength: 7 })).map(([type, rest]) => [type, ...rest]),
  { minLength: 1, maxLength: 30 },
);
