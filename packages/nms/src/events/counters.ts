import type { CollectorEvent, Emit } from './events.js';

/** What an event counts as: some by their reason. */
function nameOf(event: CollectorEvent): string | undefined {
  switch (event.kind) {
    case 'call-refused':
      return `refused.${event.rule}`;
    case 'call-accepted':
      return 'accepted';
    case 'call-failed':
      return `failed.${event.failure.code}`;
    case 'device-connected':
      return 'established';
    case 'device-disconnected':
      return `ended.${event.end.code}`;
    case 'session-replaced':
      return 'sessions.replaced';
    case 'reply-cut':
    case 'stranger-called':
    case 'device-added':
    case 'device-changed':
    case 'devices-imported':
    case 'device-approved':
    case 'device-renamed':
    case 'device-removed':
    case 'profile-added':
    case 'profile-changed':
    case 'profile-removed':
    case 'key-rejected':
    case 'key-forgotten':
    case 'registry-failed':
      return undefined;
  }
}

/** How often each kind of thing has happened since the start, by name. */
export interface Counters {
  readonly follow: Emit;
  read(): Readonly<Record<string, number>>;
}

export function createCounters(): Counters {
  const counters: Record<string, number> = {};
  return {
    follow(event) {
      const name = nameOf(event);
      if (name !== undefined) counters[name] = (counters[name] ?? 0) + 1;
    },
    read: () => ({ ...counters }),
  };
}
