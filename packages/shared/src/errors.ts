import { inert } from './inert.js';

/**
 * The catalogue of errors. Programs switch on the code, people read the message; nothing matches on text.
 * Each entry turns the facts of one occurrence into its message: what happened, to what, what to do. Those that the
 * collector's API tells its callers of have their HTTP status beside them; any other is 500 there.
 */
const catalogue = {
  CALLHOME_USAGE: (f: { problem: string }) => f.problem,
  CALLHOME_FILE_UNREADABLE: (f: { file: string; why: string }) => `cannot read ${f.file}: ${f.why}`,
  CALLHOME_FILE_UNWRITABLE: (f: { file: string; why: string }) => `cannot write ${f.file}: ${f.why}`,
  CALLHOME_FILE_EXISTS: (f: { file: string }) =>
    `${f.file} exists already, and may hold what is nowhere else: it is not overwritten; remove it or give another name`,
  CALLHOME_CONFIG_INVALID: (f: { problems: readonly string[] }) => f.problems.join('\n'),
  CALLHOME_KEY_INVALID: http(
    400,
    (f: { what: string; why: string }) => `${f.what} is not a usable key: ${f.why}`,
  ),
  CALLHOME_PASSWORD_INVALID: (f: { why: string }) => `not a usable password: ${f.why}`,
  CALLHOME_PASSWORD_UNVERIFIED: (f: { why: string }) => `the password was not verified: ${f.why}`,
  CALLHOME_TOO_FEW_DESCRIPTORS: (f: { limit: number; least: number }) =>
    `this process may open ${f.limit} files and connections, and needs ${f.least} at least: raise the limit (LimitNOFILE= of systemd, or \`ulimit -n\`)`,
  CALLHOME_STATE_LOCKED: (f: { dir: string; pid: number | undefined }) =>
    `the state folder ${f.dir} is in use by ${f.pid === undefined ? 'another process' : `process ${f.pid}`}: stop it, or give another --state-dir`,
  CALLHOME_STATE_UNUSABLE: (f: { dir: string; why: string }) =>
    `the state folder ${f.dir} cannot be used: ${f.why}`,
  CALLHOME_STATE_DENIED: (f: { dir: string; owner: string; instead: string }) =>
    `the state folder ${f.dir} is not yours to read: run the command as ${f.owner} or as root, or give ${f.instead}`,
  CALLHOME_PORT_IN_USE: (f: { address: string; port: number; setting: string }) =>
    `${f.address} port ${f.port} is in use: end the program that listens there, or change ${f.setting}`,
  CALLHOME_LISTEN_FAILED: (f: { address: string; port: number; why: string }) =>
    `cannot listen on ${f.address} port ${f.port}: ${f.why}`,

  CALLHOME_DIAL_FAILED: (f: Dialled & { why: string }) => `${noConnection(f)}: ${f.why}`,
  CALLHOME_DIAL_TIMEOUT: (f: Dialled & { seconds: number; why: string }) =>
    `${noConnection(f)} within ${f.seconds} s: ${f.why}`,
  CALLHOME_PROXY_FAILED: (f: Dialled & { why: string }) => `${noConnection(f)}: ${f.why}`,
  CALLHOME_IDENTIFICATION_INVALID: (f: { why: string }) =>
    `the peer sent no valid SSH identification: ${f.why}`,
  CALLHOME_HANDSHAKE_TIMEOUT: (f: { seconds: number; stage: string }) =>
    `the ${f.stage} was not complete within ${f.seconds} s`,
  CALLHOME_HANDSHAKE_FAILED: (f: { why: string }) => `the SSH handshake failed: ${f.why}`,
  CALLHOME_NO_COMMON_ALGORITHM: (f: { missing: readonly Disagreement[]; setting: string | undefined }) =>
    `the ends have no SSH algorithm in common: ${f.missing.map(({ what, theirs, ours }) => `${what}: the peer offers ${theirs}, this end ${ours}`).join('; ')}. Let the peer offer one of this end's${f.setting === undefined ? '' : `, or name one of the peer's in ${f.setting}`}`,
  CALLHOME_HOST_KEY_UNKNOWN: (f: { fingerprint: string; keyType: string }) =>
    `no device is known by the host key ${f.fingerprint} (${f.keyType}): no credential was sent; \`callhome-nms pending\` shows it, \`callhome-nms approve ${f.fingerprint} --as DEVICE\` lets it in`,
  CALLHOME_HOST_KEY_UNFIT: (f: { fingerprint: string; why: string }) =>
    `no device can be known by the host key ${f.fingerprint}: ${f.why}; no credential was sent`,
  CALLHOME_HOST_KEY_REJECTED: (f: { fingerprint: string }) =>
    `the host key ${f.fingerprint} was rejected: no credential was sent; \`callhome-nms approve\` or \`pending forget\` undoes that`,
  CALLHOME_HOST_KEY_REFUSED: (_: Record<string, never>) =>
    "the peer ended the handshake, most likely because it does not know this device's host key: approve it there (`callhome-nms pending` lists it), or add the lines of `callhome-agent key`",
  CALLHOME_AUTHENTICATION_FAILED: (f: { user: string; why: string }) =>
    `authentication of user ${quote(f.user)} failed: ${f.why}`,
  CALLHOME_GAVE_WAY: (_: Record<string, never>) =>
    'too many calls have not authenticated yet, and this one had said least: it gave way to another one',
  CALLHOME_PEER_VANISHED: http(
    502,
    (f: { seconds: number }) => `the peer has not answered for ${f.seconds} s`,
  ),
  CALLHOME_PEER_CLOSED: http(
    502,
    (f: { when: string }) => `the peer closed the connection${f.when && ` ${f.when}`}`,
  ),
  CALLHOME_IDLE: (f: { seconds: number }) =>
    `no message has passed for ${f.seconds} s, the idle-timeout of the periodic connection`,
  CALLHOME_SESSIONS_SILENT: (f: { why: string }) =>
    `the device answers keep-alives and no NETCONF request, and a fresh session could not be opened: ${f.why}`,
  CALLHOME_SESSIONS_DONE: (f: { seconds: number }) =>
    `the last NETCONF session was closed, and no other came within ${f.seconds} s, the session-linger`,
  CALLHOME_RECONNECT: (_: Record<string, never>) => 'a reconnect was asked for',
  CALLHOME_RECONFIGURED: (_: Record<string, never>) => 'the configuration of the application has changed',
  CALLHOME_STOPPED: http(502, (_: Record<string, never>) => 'the program was stopped'),
  CALLHOME_REPLACED: http(
    502,
    (f: { remoteAddress: string }) => `the device called again, from ${f.remoteAddress}`,
  ),
  CALLHOME_LIKELY_CLONE: (f: { remoteAddress: string; other: string }) =>
    `the same key called again, from ${f.remoteAddress}, as it does in turns with ${f.other}: most likely two devices have one host key, such as one made from the other's image; give each its own`,
  CALLHOME_DISCONNECTED: http(502, (f: { reason: string }) => f.reason),
  CALLHOME_CONNECTION_LOST: http(502, (f: { why: string }) => `the connection was lost: ${f.why}`),
  CALLHOME_BUFFER_EXCEEDED: http(
    503,
    (f: { what: string; limit: string }) => `${f.what} exceeds ${f.limit}: the peer ignores flow control`,
  ),
  CALLHOME_TRAFFIC_USELESS: (f: { what: string; limit: string }) =>
    `the peer sends ${f.what} that nobody has a use for, more than ${f.limit}`,
  CALLHOME_PEER_STALLED: (f: { seconds: number }) => `the peer has not read for ${f.seconds} s`,
  CALLHOME_CHANNEL_REFUSED: http(
    502,
    (f: { why: string; answered: boolean }) => `the device refused a NETCONF session: ${f.why}`,
  ),

  CALLHOME_FRAMING: http(502, (f: { why: string }) => `bad NETCONF framing: ${f.why}`),
  CALLHOME_XML: http(502, (f: { why: string }) => `bad XML: ${f.why}`),
  CALLHOME_HELLO: (f: { why: string }) => `NETCONF hello refused: ${f.why}`,
  CALLHOME_PROTOCOL: http(502, (f: { why: string }) => `NETCONF protocol error: ${f.why}`),
  CALLHOME_OPERATION_INVALID: http(400, (f: { why: string }) => `not a NETCONF operation: ${f.why}`),
  CALLHOME_MESSAGE_TOO_LARGE: http(
    413,
    (f: { what: string; bytes: number }) => `${f.what} is larger than ${f.bytes} bytes`,
  ),
  CALLHOME_REPLY_TIMEOUT: http(
    504,
    (f: { seconds: number; heldUp?: number }) =>
      `nothing has come for ${f.seconds} s${f.heldUp === undefined ? '' : `: for ${f.heldUp} s of them, the device's session stood still for the reader of another reply`}`,
  ),
  CALLHOME_SESSION_CLOSED: http(502, (f: { why: string }) => `the NETCONF session is closed: ${f.why}`),
  CALLHOME_READER_STALLED: (f: { seconds: number }) => `the reply was not read for ${f.seconds} s`,

  CALLHOME_APPLICATION_UNKNOWN: (f: { application: string }) =>
    `no application ${quote(f.application)}: \`callhome-agent status\` lists them`,
  CALLHOME_NOT_PERIODIC: (f: { application: string | undefined }) =>
    `${f.application === undefined ? 'no application is periodic, so they always connect' : `the application ${quote(f.application)} is not periodic, so it always connects`}: \`callhome-agent reconnect\` ends a connection or a pause`,
  CALLHOME_AGENT_UNREACHABLE: (f: { socket: string; why: string }) =>
    `no agent answers at ${f.socket}: ${f.why}; is \`callhome-agent run\` running, with this --state-dir?`,
  CALLHOME_AGENT_REFUSED: (f: { code: string; message: string }) => f.message,
  CALLHOME_CONTROL_INVALID: (f: { why: string }) => `bad request: ${f.why}`,

  CALLHOME_DEVICE_UNKNOWN: http(
    404,
    (f: { device: string }) =>
      `no device ${quote(f.device)}: \`callhome-nms devices\` lists those that are known`,
  ),
  CALLHOME_DEVICE_EXISTS: http(
    409,
    (f: { device: string }) =>
      `the device ${quote(f.device)} exists already: \`callhome-nms device set\` and \`device key\` change it`,
  ),
  CALLHOME_DEVICE_NOT_CONNECTED: http(
    503,
    (f: { device: string; why?: string }) =>
      `the device ${quote(f.device)} is not connected${f.why === undefined ? '' : `: it ${f.why}`}`,
  ),
  CALLHOME_HOST_KEY_TAKEN: http(
    409,
    (f: { fingerprint: string; device: string }) =>
      `the host key ${f.fingerprint} belongs to the device ${quote(f.device)} already`,
  ),
  CALLHOME_HOST_KEY_NOT_ITS: http(
    404,
    (f: { fingerprint: string; device: string }) =>
      `the device ${quote(f.device)} has no host key ${quote(f.fingerprint)}: \`callhome-nms device show\` lists those that it has`,
  ),
  CALLHOME_KEY_NOT_PENDING: http(404, (f: { fingerprint: string; device?: string | undefined }) =>
    f.device === undefined
      ? `no key ${quote(f.fingerprint)} is pending: \`callhome-nms pending\` lists those that are`
      : `the key ${quote(f.fingerprint)} is no longer pending: it is that of the device ${quote(f.device)}`,
  ),
  CALLHOME_FINGERPRINT_AMBIGUOUS: http(
    409,
    (f: { fingerprint: string }) =>
      `several keys are pending whose fingerprints begin with ${quote(f.fingerprint)}: give more of it, from \`callhome-nms pending\``,
  ),
  CALLHOME_PROFILE_UNKNOWN: http(
    404,
    (f: { profile: string }) =>
      `no profile ${quote(f.profile)}: \`callhome-nms profile list\` lists those that there are`,
  ),
  CALLHOME_PROFILE_EXISTS: http(
    409,
    (f: { profile: string }) =>
      `the profile ${quote(f.profile)} exists already: \`callhome-nms profile set\` changes it`,
  ),
  CALLHOME_PROFILE_IN_USE: http(
    409,
    (f: { profile: string; devices: number }) =>
      `the profile ${quote(f.profile)} cannot be removed while devices have it, as ${f.devices} do: give each another one first`,
  ),
  CALLHOME_PROFILE_FIXED: http(
    409,
    (f: { profile: string }) =>
      `the profile ${quote(f.profile)} is made of the configuration: change that, or make another profile`,
  ),
  CALLHOME_DEVICE_CHANGED: http(
    502,
    (f: { what: string }) => `${f.what} was changed, which takes effect at the device's next call`,
  ),
  CALLHOME_DEVICE_FULL: http(
    409,
    (f: { device: string; what: string; most: number }) =>
      `the device ${quote(f.device)} may have ${f.most} ${f.what} and no more: take some away first`,
  ),
  CALLHOME_INVENTORY_INVALID: (f: { file: string; line?: number; why: string }) =>
    `${f.file}${f.line === undefined ? '' : ` line ${f.line}`}: ${f.why}`,
  CALLHOME_SESSIONS_TAKEN: http(
    503,
    (f: { device: string; most: number }) =>
      `the device ${quote(f.device)} has as many sessions of operators' own as it may have, ${f.most}: end one of them, or raise its setting max-sessions`,
  ),
  CALLHOME_API_UNREACHABLE: (f: { url: string; why: string }) =>
    `no collector answers at ${f.url}: ${f.why}; is \`callhome-nms serve\` running?`,
  CALLHOME_API_UNAUTHORIZED: (f: { tokenFile: string }) =>
    `the collector refused the token: give the one that it wrote, with --token-file (tried ${f.tokenFile})`,
  CALLHOME_API_UNKNOWN: (f: { file: string }) =>
    `no collector has left its address in ${f.file}: start \`callhome-nms serve\`, or give its --state-dir or --url`,
  CALLHOME_API_REFUSED: (f: { code: string; message: string }) => f.message,
  CALLHOME_REPLY_CUT: http(
    502,
    (f: { device: string; why: string }) =>
      `the reply of the device ${quote(f.device)} was cut off: ${f.why}`,
  ),
  CALLHOME_REQUEST_INVALID: http(400, (f: { why: string }) => `bad request: ${f.why}`),
  CALLHOME_TOKEN_REFUSED: http(
    401,
    (f: { given: boolean }) =>
      `${f.given ? 'the token is wrong' : 'there is no token'}: send "Authorization: Bearer TOKEN" with the one in the state folder`,
  ),
  CALLHOME_HOST_REFUSED: http(
    403,
    (f: { host: string }) =>
      `the API is not served under the name ${quote(f.host)}: use localhost or the configured address`,
  ),
  CALLHOME_ROUTE_UNKNOWN: http(404, (f: { path: string }) => `the API has no ${f.path}`),
  CALLHOME_METHOD_REFUSED: http(
    405,
    (f: { method: string; path: string; allowed: readonly string[] }) =>
      `${f.path} takes ${f.allowed.join(', ')}, not ${f.method}`,
  ),
  CALLHOME_API_BUSY: http(
    503,
    (f: { what: 'callers' | 'tunnels' | 'bytes of operations'; most: number }) =>
      `the API has ${f.most} ${f.what} already, as many as it may have: try again later`,
  ),
  CALLHOME_OPERATION_REFUSED: http(
    403,
    (f: { operation: string; device: string }) =>
      `<${f.operation}> changes the session itself, and this one is shared: use \`callhome-nms netconf ${f.device}\`, a session of your own`,
  ),
  CALLHOME_INTERNAL: (f: { what: string }) => `${f.what} failed inside the collector: its log says why`,
  CALLHOME_API_FAILED: (f: { status: number; why: string }) => `the collector answered ${f.status}: ${f.why}`,
} as const;

/** What the ends of an SSH connection could not agree on, and what they offer of that: lists with commas. */
export interface Disagreement {
  readonly what: string;
  readonly theirs: string;
  readonly ours: string;
}

/** What was to be reached, and through which proxy. */
interface Dialled {
  readonly address: string;
  readonly port: number;
  readonly proxy: string | undefined;
}

function noConnection({ address, port, proxy }: Dialled): string {
  return `no TCP connection to ${address} port ${port}${proxy === undefined ? '' : ` through the ${proxy}`}`;
}

/** An entry whose error the API answers with this status. */
function http<M extends (facts: never) => string>(status: number, message: M) {
  return Object.assign(message, { httpStatus: status });
}

type Catalogue = typeof catalogue;

/** A code of the catalogue: stable, for programs. */
export type ErrorCode = keyof Catalogue;

/** What happened, as data, for one code. */
export type Facts<C extends ErrorCode> = Parameters<Catalogue[C]>[0];

/** Every error that callhome raises on purpose. `facts` never holds a secret. */
export class CallhomeError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'CallhomeError';
  readonly code: C;
  readonly facts: Facts<C>;

  constructor(code: C, facts: Facts<C>, cause?: unknown) {
    const message = catalogue[code] as (facts: Facts<C>) => string;
    super(message(facts), cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}

/** The status that the collector's API answers an error with. */
export function httpStatusOf(code: ErrorCode): number {
  const entry = catalogue[code];
  return 'httpStatus' in entry ? entry.httpStatus : 500;
}

/** True when `error` is a CallhomeError with this code. */
export function isCallhomeError<C extends ErrorCode>(error: unknown, code: C): error is CallhomeError<C> {
  return error instanceof CallhomeError && error.code === code;
}

/** Characters. */
const maxPeerText = 300;

/** Text from a peer, fit for a log line or a message: bounded, and nothing in it steers a terminal. */
export function peerText(text: string): string {
  return text.length > maxPeerText ? `${inert(text.slice(0, maxPeerText), ' ')}…` : inert(text, ' ');
}

/** A name in a message, whosever it is: it shows where it begins and ends. */
export function quote(text: string): string {
  return JSON.stringify(peerText(text));
}

/** The code of an error, as the system (ENOENT), Node or the catalogue has it. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The words of anything thrown, for a log line or an error that wraps it. Some are the peer's. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return peerText(error instanceof Error ? error.message || error.name : String(error));
}

/** Anything thrown as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Anything thrown as an error of the catalogue: what is none already has cost a connection. */
export function toCallhomeError(error: unknown): CallhomeError {
  return error instanceof CallhomeError
    ? error
    : new CallhomeError('CALLHOME_CONNECTION_LOST', { why: reasonOf(error) }, error);
}
