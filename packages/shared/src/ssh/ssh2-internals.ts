import ssh2, { type Channel, type Client, type Connection, type PublicKeyAuthContext } from 'ssh2';
import { writeStrings } from './wire.js';

// What callhome needs of ssh2 beyond its documented interface. The version is pinned; look here when it changes.

// Its own keep-alive cannot be turned off for one server, and its timeout waits for a FIN that never comes.
Object.assign(ssh2.Server, { KEEPALIVE_CLIENT_INTERVAL: 0 });

function member(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, name) : undefined;
}

type Method = (...args: unknown[]) => unknown;

function method(owner: unknown, name: string): Method {
  const found = member(owner, name);
  if (typeof found !== 'function') throw new Error(`this version of ssh2 has no ${name}`);
  return (...args) => found.apply(owner, args);
}

function call(owner: unknown, name: string, ...args: unknown[]): unknown {
  return method(owner, name)(...args);
}

/** Puts another method in the place of one, and hands over the one that was there. */
function replace(owner: unknown, name: string, make: (original: Method) => Method): void {
  Reflect.set(Object(owner), name, make(method(owner, name)));
}

// Messages of SSH: RFC 4250 §4.1.2, RFC 8308 §2.3.
const extInfo = 7;
const kexInit = 20;
const lastOfKeyExchange = 49;

/** The type of a message; 0 where there is none. */
function typeOf(payload: unknown): number {
  return Number(member(payload, '0') ?? 0);
}

/**
 * Lets other messages come while keys are exchanged again. IGNORE, DEBUG and UNIMPLEMENTED always may, and strict key
 * exchange forbids them in the first exchange alone, but ssh2 in every one. And some peers go on with data after their
 * KEXINIT, which OpenSSH's server takes: it comes under the keys that are still in use.
 * To be called before the first exchange, in which nothing changes.
 */
export function allowMessagesInLaterExchanges(connection: Client | Connection): void {
  const protocol = member(connection, '_protocol');
  // ssh2 handles messages by this one, and by another from a peer's later KEXINIT to the new keys.
  replace(protocol, '_onPayload', (usual) => {
    const handle: Method = (payload) => {
      const result = usual(payload);
      const decipher = member(protocol, '_decipher');
      if (member(decipher, '_onPayload') !== handle) {
        replace(decipher, '_onPayload', (exchange) => (next) => {
          const type = typeOf(next);
          return type >= kexInit && type <= lastOfKeyExchange ? exchange(next) : usual(next);
        });
      }
      return result;
    };
    return handle;
  });
}

/** Shows each message to `take` before ssh2 has it, and not to ssh2 what is taken. To be called before the first exchange. */
export function onMessage(connection: Client | Connection, take: (message: Buffer) => boolean): void {
  replace(
    member(connection, '_protocol'),
    '_onPayload',
    (handle) => (message) => (message instanceof Buffer && take(message) ? undefined : handle(message)),
  );
}

/** Gives what arrives on the socket to `take`, to be handed on to ssh2 by `read`, in pieces of any size. */
export function onArrival(
  connection: Client | Connection,
  take: (arrived: Buffer, read: (piece: Buffer) => void) => void,
): void {
  replace(member(connection, '_protocol'), 'parse', (parse) => (arrived) => {
    if (arrived instanceof Buffer) take(arrived, (piece) => void parse(piece, 0, piece.length));
  });
}

/** Refuses a global request (RFC 4254 §4). */
export function refuseGlobalRequest(connection: Client | Connection): void {
  call(member(connection, '_protocol'), 'requestFailure');
}

/** Shows each channel of a client as soon as ssh2 has it, before anybody else does anything with it. */
export function onChannelOpened(client: Client, show: (channel: Channel) => void): void {
  replace(member(client, '_chanMgr'), 'update', (update) => (id, channel) => {
    if (isChannel(channel)) show(channel);
    return update(id, channel);
  });
}

/** Lets the peer send so many more bytes on a channel (RFC 4254 §5.2), where ssh2 has not counted them. */
export function growWindow(connection: Client | Connection, id: number, bytes: number): void {
  const channel = call(member(connection, '_chanMgr'), 'get', id);
  const outgoing = member(channel, 'outgoing');
  if (member(outgoing, 'state') === 'open' || member(outgoing, 'state') === 'eof')
    call(member(connection, '_protocol'), 'channelWindowAdjust', member(outgoing, 'id'), bytes);
}

/** Shows our first KEXINIT and the peer's, when that has come: ssh2 tells only that it could not agree. */
export function onFirstOffers(
  connection: Client | Connection,
  show: (ours: Uint8Array, theirs: Uint8Array) => void,
): void {
  const protocol = member(connection, '_protocol');
  // This reader is there until the first keys are.
  replace(member(member(protocol, '_packetRW'), 'read'), 'read', (read) => (payload) => {
    const ours = member(protocol, '_kexinit');
    if (typeOf(payload) === kexInit && ours instanceof Uint8Array && payload instanceof Uint8Array)
      show(ours, payload);
    return read(payload);
  });
}

/** Sends a message that ssh2 has no method for; not while keys are exchanged. */
function sendNow(protocol: unknown, payload: Buffer): void {
  const cipher = member(protocol, '_cipher');
  const packet = call(cipher, 'allocPacket', payload.length);
  if (!(packet instanceof Uint8Array)) throw new Error('this version of ssh2 has other packets');
  packet.set(payload, 5);
  call(cipher, 'encrypt', packet);
}

/**
 * Tells a client that asks for it what users' keys may sign with (RFC 8308 §3.1), right behind the first keys. ssh2's own
 * words lack a comma, and name SHA-1 and DSA. To be called before the first exchange.
 */
export function tellSignatureAlgorithms(connection: Connection, names: readonly string[]): void {
  const protocol = member(connection, '_protocol');
  replace(protocol, '_onHandshakeComplete', (complete) => (...args) => {
    Reflect.set(Object(protocol), '_onHandshakeComplete', complete);
    const exchange = Object(member(protocol, '_kex'));
    if (member(exchange, 'remoteExtInfoEnabled') === true) {
      const extension = writeStrings(Buffer.from('server-sig-algs'), Buffer.from(names.join(',')));
      sendNow(protocol, Buffer.concat([Buffer.from([extInfo, 0, 0, 0, 1]), extension]));
      Reflect.set(exchange, 'remoteExtInfoEnabled', false);
    }
    return complete(...args);
  });
}

/** The algorithm that a client names in a public key request: ssh2 takes RSA's with SHA-2 apart (RFC 8332 §3). */
export function signatureAlgorithm({ key, hashAlgo }: PublicKeyAuthContext): string {
  if (hashAlgo === undefined) return key.algo;
  return hashAlgo === 'sha512' ? 'rsa-sha2-512' : 'rsa-sha2-256';
}

/**
 * Accepts a public key request. A client that has only asked is told the algorithm that it asked for (RFC 4252 §7), where
 * ssh2 by itself says `ssh-rsa` for all of RSA's.
 */
export function acceptPublicKey(context: PublicKeyAuthContext): void {
  context.key.algo = signatureAlgorithm(context);
  context.accept();
}

/**
 * Sends SSH_MSG_GLOBAL_REQUEST `keepalive@openssh.com` with want-reply (RFC 4254 §4): whatever the answer, it proves life.
 * ssh2 does so from timers of its own alone, which do not do what the model asks.
 */
export function sendKeepalive(connection: Client | Connection): void {
  call(member(connection, '_protocol'), 'ping');
}

/** Whether keys are being exchanged: until that is over ssh2 queues what is written, without a bound. */
export function isExchangingKeys(connection: Client | Connection): boolean {
  return member(member(connection, '_protocol'), '_kexinit') !== undefined;
}

/** How many packets wait for the end of an exchange of keys. */
export function queuedPackets(connection: Client | Connection): number {
  return Number(member(member(member(connection, '_protocol'), '_queue'), 'length') ?? 0);
}

function isChannel(entry: unknown): entry is Channel {
  return member(entry, 'outgoing') !== undefined && member(entry, 'readableLength') !== undefined;
}

/** All open channels, those too that ssh2 has not handed out yet. A server's stand inside their sessions. */
export function openChannels(connection: Client | Connection): Channel[] {
  const entries: unknown[] = Object.values(Object(member(member(connection, '_chanMgr'), '_channels')));
  return entries.map((entry) => member(entry, '_channel') ?? entry).filter(isChannel);
}

/** The largest piece that the peer takes on a channel: of 0 bytes, ssh2 would send pieces for ever. */
export function packetSizeOf(channel: Channel): number {
  return Number(member(member(channel, 'outgoing'), 'packetSize'));
}

/** `closing` from our CHANNEL_CLOSE to the peer's; `closed` once both are through. */
export function stateOf(channel: Channel): unknown {
  return member(member(channel, 'outgoing'), 'state');
}

/** Puts another way of writing in the place of a channel's own, which it is handed. */
export function replaceWrite(channel: Channel, make: (write: Channel['_write']) => Channel['_write']): void {
  channel._write = make(channel._write.bind(channel));
}

/** Shows each piece that a channel receives when it arrives, read or not, and tells of each that is sent. */
export function watchPieces(channel: Channel, heard: (piece: Buffer) => void, sent: () => void): void {
  const push = channel.push.bind(channel);
  channel.push = (piece, ...args) => {
    if (piece instanceof Buffer) heard(piece);
    return push(piece, ...args);
  };
  replaceWrite(channel, (write) => (...args) => {
    sent();
    write(...args);
  });
}

/** ssh2 tells of a channel's end only when it is read to its end: who destroys it does not, so it is read for them. */
export function readToEndWhenDestroyed(channel: Channel): void {
  const destroy = channel.destroy.bind(channel);
  channel.destroy = () => {
    destroy();
    channel.unpipe().resume();
    return channel;
  };
}

/** What comes behind a channel's end is an error of its streams, whoever listens. */
export function ignoreErrors(channel: Channel): void {
  channel.on('error', () => undefined);
  channel.stderr.on('error', () => undefined);
}

/** SSH_DISCONNECT_KEY_EXCHANGE_FAILED and HOST_KEY_NOT_VERIFIABLE (RFC 4253 §11.1): what clients say of a host key. */
const hostKeyReasons: readonly unknown[] = [3, 9];

/** Whether an error of a server's connection is a client's refusal of the host key. */
export function isHostKeyRefusal(error: Error): boolean {
  return hostKeyReasons.includes(member(error, 'code'));
}

/** Tells a device that its host key is not known (RFC 4253 §11.1), where ssh2 has no other reason to give than its own. */
export function refuseHostKey(client: Client): void {
  call(member(client, '_protocol'), 'disconnect', hostKeyReasons[1]);
}

/** Answers the closing of a session that had no channel yet, which ssh2 forgets to do, and frees its number. */
export function closeEmptySession(connection: Connection, session: unknown): void {
  const info = member(session, '_chanInfo');
  call(member(connection, '_protocol'), 'channelClose', member(member(info, 'outgoing'), 'id'));
  call(member(connection, '_chanMgr'), 'remove', member(member(info, 'incoming'), 'id'));
}

/**
 * Refuses what a client asks of a session that has its channel, where ssh2 leaves it without an answer: Dropbear's client
 * sends its keep-alives so, and takes the device for gone.
 */
export function answerLateRequests(connection: Connection): void {
  const protocol = member(connection, '_protocol');
  replace(member(protocol, '_handlers'), 'CHANNEL_REQUEST', (handle) => (...request) => {
    const [, id, , wantsReply] = request;
    const outgoing = member(member(call(member(connection, '_chanMgr'), 'get', id), '_channel'), 'outgoing');
    if (wantsReply !== true || outgoing === undefined) handle(...request);
    else if (member(outgoing, 'state') === 'open' || member(outgoing, 'state') === 'eof')
      call(protocol, 'channelFailure', member(outgoing, 'id'));
  });
}
