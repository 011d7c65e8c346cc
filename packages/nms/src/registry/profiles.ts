import { z } from 'zod';
import type { DeviceSettings, SettingsChange } from './settings.js';

/** Of those that have none. It is made of the configuration, and is in no registry. */
export const defaultProfile = 'default';

/** A profile's name. */
export const profileName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 letters, digits, ".", "_" and "-"');

/** Settings that devices share. */
export interface Profile {
  readonly name: string;
  readonly settings: DeviceSettings;
  /** How many devices have it. */
  readonly devices: number;
}

/** Profiles, by their names. A change holds from a device's next connection on. */
export interface Profiles {
  /** @throws CALLHOME_PROFILE_EXISTS */
  add(name: string, settings: DeviceSettings): Promise<void>;
  /** False when there is no such profile. */
  change(name: string, change: SettingsChange): Promise<boolean>;
  get(name: string): Promise<Profile | undefined>;
  /** Ordered by name. */
  list(): Promise<readonly Profile[]>;
  /** False when there is no such profile. @throws CALLHOME_PROFILE_IN_USE */
  remove(name: string): Promise<boolean>;
}
