import { z } from 'zod';

const printable = z.string().regex(/^\P{Cc}*$/u, 'control characters are not allowed');

/** What is said for one device, or for all of a profile. What is left out is what the next wider says. */
export const deviceSettings = z
  .strictObject({
    /** Whom the collector logs in as. */
    user: printable.min(1).max(255),
    /** When SSH probes a silent device, and after how many probes it is taken for gone. */
    keepalive: z.strictObject({
      maxWaitSeconds: z.number().int().min(1).max(65_535),
      maxAttempts: z.number().int().min(0).max(255),
    }),
    /** From an operation to the first byte of its reply, and between two pieces of it, where its caller says nothing. */
    replyTimeoutSeconds: z.number().int().min(1).max(86_400),
    /** Sessions of operators' own with the device at once, beside the collector's. */
    maxSessions: z.number().int().min(1).max(1000),
  })
  .partial();

export type DeviceSettings = z.infer<typeof deviceSettings>;

/** What holds: of each setting what the narrowest says. @param widestFirst such as those of the profile, then the device's own */
export function settled(...widestFirst: readonly DeviceSettings[]): DeviceSettings {
  return Object.assign({}, ...widestFirst);
}
