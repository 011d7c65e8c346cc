import { CallhomeError, quote } from '@callhome/shared/errors.js';
import { defaultProfile } from '../../registry/profiles.js';
import { bodyOf, type Call } from './call.js';
import { sendJson } from './problem.js';
import { type ChangeQuery, type ProfileView, profileChange, profileRequest } from './schemas.js';

/** All profiles, the configuration's first. */
async function allProfiles({ registry, defaultSettings }: Call): Promise<readonly ProfileView[]> {
  const others = await registry.profiles.list();
  const theirs = others.reduce((sum, { devices }) => sum + devices, 0);
  const devices = (await registry.count()) - theirs;
  return [{ name: defaultProfile, settings: defaultSettings, devices }, ...others];
}

/** @throws CALLHOME_PROFILE_UNKNOWN */
async function knownProfile(call: Call): Promise<ProfileView> {
  const { profile, registry } = call;
  const [own] = profile === defaultProfile ? await allProfiles(call) : [await registry.profiles.get(profile)];
  if (!own) throw new CallhomeError('CALLHOME_PROFILE_UNKNOWN', { profile });
  return own;
}

/** The profile that a request is to change. @throws CALLHOME_PROFILE_FIXED */
function changeable({ profile }: Call): string {
  if (profile === defaultProfile) throw new CallhomeError('CALLHOME_PROFILE_FIXED', { profile });
  return profile;
}

/** GET /v1/profiles */
export async function listProfiles(call: Call): Promise<void> {
  sendJson(call.response, 200, await allProfiles(call));
}

/** GET /v1/profiles/{profile} */
export async function showProfile(call: Call): Promise<void> {
  sendJson(call.response, 200, await knownProfile(call));
}

/** PUT /v1/profiles/{profile} */
export async function addProfile(call: Call): Promise<void> {
  const profile = changeable(call);
  const { settings } = await bodyOf(call, profileRequest);
  await call.registry.profiles.add(profile, settings);
  call.emit({ kind: 'profile-added', profile });
  sendJson(call.response, 201, await knownProfile(call));
}

/** Ends the connections of a profile's devices. */
async function reconnectAll({ registry, fleet, profile }: Call): Promise<void> {
  const reason = new CallhomeError('CALLHOME_DEVICE_CHANGED', {
    what: `the profile ${quote(profile)}`,
  });
  for await (const device of registry.list({ capabilities: false })) {
    if (device.profile === profile) await fleet.end(device.id, reason);
  }
}

/** PATCH /v1/profiles/{profile} */
export async function changeProfile(call: Call, { reconnect }: ChangeQuery): Promise<void> {
  const profile = changeable(call);
  const { settings } = await bodyOf(call, profileChange);
  if (!(await call.registry.profiles.change(profile, settings ?? {})))
    throw new CallhomeError('CALLHOME_PROFILE_UNKNOWN', { profile });
  if (settings !== undefined) call.emit({ kind: 'profile-changed', profile });
  if (reconnect === 'true') await reconnectAll(call);
  sendJson(call.response, 200, await knownProfile(call));
}

/** DELETE /v1/profiles/{profile} */
export async function removeProfile(call: Call): Promise<void> {
  const profile = changeable(call);
  if (!(await call.registry.profiles.remove(profile)))
    throw new CallhomeError('CALLHOME_PROFILE_UNKNOWN', { profile });
  call.emit({ kind: 'profile-removed', profile });
  call.response.writeHead(204).end();
}
