import type { DeviceView } from '../northbound/http/schemas.js';

/** How many devices of each kind are in a list, in a line. */
export function devicesSummary(devices: readonly DeviceView[]): string {
  const count = (is: (device: DeviceView) => boolean) => devices.filter(is).length;
  const down = (kind: string) => count((device) => device.down?.kind === kind);
  const parts: readonly (readonly [number, string])[] = [
    [count(({ state }) => state === 'connected'), 'connected'],
    [down('lost'), 'lost'],
    [down('refused'), 'refused'],
    [down('never-called'), 'never called'],
    [count(({ flapping }) => flapping), 'flapping'],
  ];
  const said = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const all = `${devices.length} ${devices.length === 1 ? 'device' : 'devices'}`;
  return said.length === 0 ? all : `${all}: ${said.join(', ')}`;
}
