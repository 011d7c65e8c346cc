import { z } from 'zod';

/**
 * container keepalives of ietf-ssh-server and ietf-ssh-client: its presence turns the probes on.
 * `max-wait`: seconds without data from the peer before each probe; `max-attempts`: unanswered probes before the end.
 */
export const keepalives = z.strictObject({
  'max-wait': z.int().min(1).max(65535).default(30),
  'max-attempts': z.int().min(0).max(255).default(3),
});

/** What is wrong with a user's name beyond the model, which takes any string. */
export function userProblem(name: string): string | undefined {
  return name === '' || /\p{Cc}/u.test(name) ? 'is no name that anybody could log in with' : undefined;
}
