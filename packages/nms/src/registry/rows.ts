import { defaultProfile } from './profiles.js';
import type { DeviceChange, DeviceDefinition, DeviceRow } from './registry.js';

/** Of values that may all be left out, those that are others than there are. */
function others<T extends object>(said: T | undefined, there: object): T {
  const former = new Map<string, unknown>(Object.entries(there));
  const differing = Object.entries(said ?? {}).filter(
    ([name, value]) => value !== undefined && value !== (former.get(name) ?? null),
  );
  return Object.assign({}, ...differing.map(([name, value]) => ({ [name]: value })));
}

/** What becomes of a device by a row; undefined where nothing does. */
export function changeOf(row: DeviceRow, former: DeviceDefinition): DeviceChange | undefined {
  const { hostKeys, profile, settings, labels, description } = row;
  const named = profile === defaultProfile ? null : profile;
  const wanted = new Set(hostKeys.map(({ blob }) => blob));
  const has = new Set(former.hostKeys.map(({ blob }) => blob));
  const gone = wanted.size === 0 ? [] : former.hostKeys.filter(({ blob }) => !wanted.has(blob));
  const single = others({ profile: named, description }, former);
  const lists = {
    settings: others(settings, former.settings),
    labels: others(labels, former.labels),
    addKeys: hostKeys.filter(({ blob }) => !has.has(blob)),
    removeKeys: gone.map(({ fingerprint }) => fingerprint),
  };
  const isSame = [single, ...Object.values(lists)].every((said) => Object.keys(said).length === 0);
  return isSame ? undefined : { ...single, ...lists };
}
