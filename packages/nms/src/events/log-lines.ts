import { gatherLines } from '@callhome/shared/gathered-lines.js';
import type { Log } from '@callhome/shared/log.js';
import type { CallFacts, Emit } from './events.js';

/** Writes a line for what happens; what strangers bring about is gathered. */
export interface LogLines {
  readonly follow: Emit;
  /** Writes all that is still to be written. */
  flush(): void;
}

export function writeLogLines(log: Log): LogLines {
  const lines = gatherLines();
  const gathered = (others: number) => (others > 0 ? { others } : {});
  const of = ({ connection, listener, remoteAddress }: CallFacts, device?: string) => ({
    connection,
    listener,
    remoteAddress,
    ...(device !== undefined && { device }),
  });
  return {
    follow(event) {
      switch (event.kind) {
        case 'call-refused': {
          const { listener, remoteAddress, source } = event.call;
          const reason = event.rule;
          lines.add(source, reason, (others) =>
            log.warn({ listener, remoteAddress, reason, ...gathered(others) }, 'call refused'),
          );
          return;
        }
        case 'call-accepted':
          return;
        case 'call-failed': {
          const { call, device, claimed, failure } = event;
          const { code, reason } = failure;
          const who = { ...of(call, device), ...(claimed !== undefined && { claimed }) };
          lines.add(device ?? call.source, code, (others) =>
            log.warn({ ...who, code, reason, ...gathered(others) }, 'call failed'),
          );
          return;
        }
        case 'device-connected': {
          const { sessionId: session, hostKey, capabilities } = event.facts;
          const facts = { session, hostKey, capabilities: capabilities.length };
          log.info({ ...of(event.call, event.device), ...facts }, 'device connected');
          return;
        }
        case 'session-replaced': {
          const { session, reason } = event;
          log.warn(
            { ...of(event.call, event.device), session, reason },
            "the collector's session was replaced",
          );
          return;
        }
        case 'device-disconnected': {
          const { code, reason } = event.end;
          const level = code === 'CALLHOME_LIKELY_CLONE' ? 'warn' : 'info';
          log[level]({ ...of(event.call, event.device), code, reason }, 'device disconnected');
          return;
        }
        case 'reply-cut': {
          const { device, code, reason } = event;
          log.warn({ device, code, reason }, 'reply cut off');
          return;
        }
        case 'stranger-called':
          return;
        case 'device-added':
        case 'device-changed':
        case 'device-removed':
          log.info({ device: event.device }, event.kind.replace('-', ' '));
          return;
        case 'devices-imported': {
          const { added, changed, unchanged, failed } = event;
          log.info({ added, changed, unchanged, failed }, 'devices imported');
          return;
        }
        case 'device-approved':
          log.info({ device: event.device, fingerprint: event.fingerprint }, 'device approved');
          return;
        case 'device-renamed':
          log.info({ device: event.device, to: event.to }, 'device renamed');
          return;
        case 'profile-added':
        case 'profile-changed':
        case 'profile-removed':
          log.info({ profile: event.profile }, event.kind.replace('-', ' '));
          return;
        case 'key-rejected':
        case 'key-forgotten':
          log.info({ fingerprint: event.fingerprint }, event.kind.replace('-', ' '));
          return;
        case 'registry-failed': {
          const { about, reason } = event;
          lines.add('', reason, (others) =>
            log.error({ about, reason, ...gathered(others) }, 'the registry was not written'),
          );
          return;
        }
        default:
          event satisfies never;
      }
    },
    flush: lines.flush,
  };
}
