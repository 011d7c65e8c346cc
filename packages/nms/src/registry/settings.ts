import { z } from 'zod';

/** A whole number. @param unit what it counts, for the message */
function whole(least: number, most: number, unit = '') {
  const rule = `must be a whole number${unit && ` of ${unit}`} from ${least} to ${most}`;
  return z.number(rule).int(rule).min(least, rule).max(most, rule);
}

const userRule = 'must be 1 to 255 characters, none of which is a control character';

const settings = {
  /** Whom the collector logs in as. */
  user: z.string(userRule).regex(/^\P{Cc}{1,255}$/u, userRule),
  /** How long a device is silent before SSH probes it. */
  keepaliveMaxWaitSeconds: whole(1, 65_535, 'seconds'),
  /** After how many probes it is taken for gone. */
  keepaliveMaxAttempts: whole(0, 255),
  /** From an operation to the first byte of its reply, and between two pieces of it, where its caller says nothing. */
  replyTimeoutSeconds: whole(1, 86_400, 'seconds'),
  /** Sessions of operators' own with the device at once, beside the collector's. */
  maxSessions: whole(1, 1000),
};

/** What is said for one device, or for all of a profile. What is left out is what the next wider says. */
export const deviceSettings = z.strictObject(settings).partial();

export type DeviceSettings = z.infer<typeof deviceSettings>;

/** What becomes of settings. What is left out stays; null takes away. */
export const settingsChange = z
  .strictObject({
    user: settings.user.nullable(),
    keepaliveMaxWaitSeconds: settings.keepaliveMaxWaitSeconds.nullable(),
    keepaliveMaxAttempts: settings.keepaliveMaxAttempts.nullable(),
    replyTimeoutSeconds: settings.replyTimeoutSeconds.nullable(),
    maxSessions: settings.maxSessions.nullable(),
  })
  .partial();

export type SettingsChange = z.infer<typeof settingsChange>;

/** What holds: of each setting what the narrowest says. @param widestFirst such as those of the profile, then the device's own */
export function settled(...widestFirst: readonly DeviceSettings[]): DeviceSettings {
  return Object.assign({}, ...widestFirst);
}
