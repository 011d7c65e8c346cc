import type { Channel, Client, Connection } from 'ssh2';

// What callhome needs of ssh2 beyond its documented interface. The version is pinned; look here when it changes.

function member(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, name) : undefined;
}

function call(owner: unknown, name: string, ...args: unknown[]): void {
  const method = member(owner, name);
  if (typeof method !== 'function') throw new Error(`this version of ssh2 has no ${name}`);
  method.apply(owner, args);
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

/** Answers the closing of a session that had no channel yet, which ssh2 forgets to do, and frees its number. */
export function closeEmptySession(connection: Connection, session: unknown): void {
  const info = member(session, '_chanInfo');
  call(member(connection, '_protocol'), 'channelClose', member(member(info, 'outgoing'), 'id'));
  call(member(connection, '_chanMgr'), 'remove', member(member(info, 'incoming'), 'id'));
}
