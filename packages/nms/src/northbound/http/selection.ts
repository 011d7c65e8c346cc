import type { DevicesQuery, DeviceView } from './schemas.js';

/** Whether a device is one that a list was asked for. @param now milliseconds of the wall clock */
export function selection(query: DevicesQuery, now: number): (device: DeviceView) => boolean {
  const { state, label = [], profile, downFor } = query;
  const labels = label.map((text) => {
    const end = text.indexOf('=');
    return [text.slice(0, end), text.slice(end + 1)] as const;
  });
  // What has gone just now has no time yet, and what was never there may have none.
  const isDownLong = ({ down }: DeviceView, seconds: number): boolean =>
    down !== null &&
    (down.since === null ? down.kind !== 'lost' : now - Date.parse(down.since) >= seconds * 1000);
  return (device) =>
    (state === undefined || device.state === state) &&
    (profile === undefined || device.profile === profile) &&
    labels.every(([name, value]) => Object.hasOwn(device.labels, name) && device.labels[name] === value) &&
    (downFor === undefined || isDownLong(device, downFor));
}
