import type { ErrorCode } from '@callhome/shared/errors.js';
import type { HostKey } from '../registry/host-key.js';
import type { ConnectionEnd } from '../registry/past-connections.js';
import type { StrangersCall } from '../registry/pending-keys.js';
import type { ConnectionFacts, FailedCall } from '../registry/registry.js';

/** Where a call comes from. */
export interface CallOrigin {
  readonly listener: string;
  /** Whoever shares it shares a lot: see `sourceOf`. */
  readonly source: string;
  /** Host and port, for people. */
  readonly remoteAddress: string;
}

/** A call that was taken. */
export interface CallFacts extends CallOrigin {
  /** Its number since the start of the collector. */
  readonly connection: number;
}

/** Something that happened at a collector. It holds no secret, and no content of a session. */
export type CollectorEvent =
  | { readonly kind: 'call-refused'; readonly call: CallOrigin; readonly rule: string }
  | { readonly kind: 'call-accepted'; readonly call: CallFacts }
  | {
      readonly kind: 'call-failed';
      readonly call: CallFacts;
      /** Who called, and has proved it. */
      readonly device: string | undefined;
      /** Whose key was shown, where that is all: anybody can show it. */
      readonly claimed: string | undefined;
      readonly failure: FailedCall & { readonly code: ErrorCode };
    }
  | {
      readonly kind: 'device-connected';
      readonly call: CallFacts;
      readonly device: string;
      readonly facts: ConnectionFacts;
    }
  | {
      readonly kind: 'session-replaced';
      readonly call: CallFacts;
      readonly device: string;
      /** The number of the new one. */
      readonly session: number;
      /** Why the former one ended. */
      readonly reason: string;
    }
  | {
      readonly kind: 'device-disconnected';
      readonly call: CallFacts;
      readonly device: string;
      readonly facts: ConnectionFacts;
      readonly end: ConnectionEnd & { readonly code: ErrorCode };
    }
  /** An operation's reply ended early. */
  | {
      readonly kind: 'reply-cut';
      readonly device: string;
      readonly code: ErrorCode;
      readonly reason: string;
    }
  /** A call has proved a key that no device is known by. */
  | { readonly kind: 'stranger-called'; readonly key: HostKey; readonly call: StrangersCall }
  /** What an operator did. */
  | {
      readonly kind: 'device-added' | 'device-changed' | 'device-removed';
      readonly device: string;
    }
  | {
      readonly kind: 'devices-imported';
      readonly added: number;
      readonly changed: number;
      readonly unchanged: number;
      readonly failed: number;
    }
  | { readonly kind: 'device-approved'; readonly device: string; readonly fingerprint: string }
  | { readonly kind: 'device-renamed'; readonly device: string; readonly to: string }
  | { readonly kind: 'profile-added' | 'profile-changed' | 'profile-removed'; readonly profile: string }
  | { readonly kind: 'key-rejected' | 'key-forgotten'; readonly fingerprint: string }
  | {
      readonly kind: 'registry-failed';
      /** A device's id, a key's fingerprint, or what else was to be written. */
      readonly about: string;
      readonly reason: string;
    };

/** Tells all who follow of something that happened. */
export type Emit = (event: CollectorEvent) => void;

/** What happened, as it happens: everything that is known of it follows from here. */
export interface Events {
  readonly emit: Emit;
  /** In the order in which they began to follow; none of them throws. */
  follow(follower: Emit): void;
}

export function createEvents(): Events {
  const followers: Emit[] = [];
  return {
    emit(event) {
      for (const follower of followers) follower(event);
    },
    follow: (follower) => void followers.push(follower),
  };
}
