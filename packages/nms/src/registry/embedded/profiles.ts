import { CallhomeError } from '@callhome/shared/errors.js';
import { z } from 'zod';
import type { Profile, Profiles } from '../profiles.js';
import { type DeviceSettings, deviceSettings, type SettingsChange } from '../settings.js';
import { json, type Store } from './database.js';

const profileRow = z.object({ name: z.string(), settings: json(deviceSettings), devices: z.number() });

/** @throws for settings that are none */
export function changed(settings: DeviceSettings, change: SettingsChange): DeviceSettings {
  const said = Object.entries(change).filter(([, value]) => value !== undefined);
  const all = Object.entries({ ...settings, ...Object.fromEntries(said) });
  return deviceSettings.parse(Object.fromEntries(all.filter(([, value]) => value !== null)));
}

export function embeddedProfiles({ db, attempt, durably }: Store): Profiles {
  const select = `
    SELECT name, settings, (SELECT count(*) FROM device WHERE profile = profile.name) AS devices FROM profile`;
  const getProfile = db.prepare(`${select} WHERE name = ?`);
  const listProfiles = db.prepare(`${select} ORDER BY name`);
  const addProfile = db.prepare('INSERT INTO profile (name, settings) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const setSettings = db.prepare('UPDATE profile SET settings = ? WHERE name = ?');
  const removeProfile = db.prepare('DELETE FROM profile WHERE name = ?');
  const read = (name: string): Profile | undefined => profileRow.optional().parse(getProfile.get(name));

  return {
    async add(name, settings) {
      const { changes } = durably(() => addProfile.run(name, JSON.stringify(settings)));
      if (changes === 0) throw new CallhomeError('CALLHOME_PROFILE_EXISTS', { profile: name });
    },
    async change(name, change) {
      return durably(() => {
        const profile = read(name);
        if (!profile) return false;
        setSettings.run(JSON.stringify(changed(profile.settings, change)), name);
        return true;
      });
    },
    get: async (name) => attempt(() => read(name)),
    list: async () => attempt(() => z.array(profileRow).parse(listProfiles.all())),
    async remove(name) {
      return durably(() => {
        const { devices = 0 } = read(name) ?? {};
        if (devices > 0) throw new CallhomeError('CALLHOME_PROFILE_IN_USE', { profile: name, devices });
        return removeProfile.run(name).changes > 0;
      });
    },
  };
}
