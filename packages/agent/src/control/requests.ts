import { z } from 'zod';

/** What can be asked of a running agent: one line of JSON, answered with one line of JSON. */
export const controlRequest = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('status') }),
  z.strictObject({ command: z.literal('reload') }),
  z.strictObject({ command: z.literal('reconnect'), application: z.string().optional() }),
  z.strictObject({ command: z.literal('connect-now'), application: z.string().optional() }),
]);

export type ControlRequest = z.infer<typeof controlRequest>;

/** The answer: what was asked for, or an error of the catalogue. */
export const controlAnswer = z.union([
  z.strictObject({ result: z.unknown() }),
  z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) }),
]);

export type ControlAnswer = z.infer<typeof controlAnswer>;

/** Where an agent listens, in its state folder. */
export const socketName = 'agent.sock';
