import type { ListenerConfig } from '@callhome/shared/config/nms-config.js';
import type { DeviceSettings } from './registry/settings.js';

/** What the configuration says for all devices: the settings in which its listeners agree. */
export function defaultSettings(listeners: readonly ListenerConfig[]): DeviceSettings {
  const agreed = <T>(settingOf: (listener: ListenerConfig) => T): T | undefined => {
    const [first, ...others] = new Set(listeners.map(settingOf));
    return others.length === 0 ? first : undefined;
  };
  const settings = {
    user: agreed(({ user }) => user),
    keepaliveMaxWaitSeconds: agreed(({ keepalive }) => keepalive?.maxWaitSeconds),
    keepaliveMaxAttempts: agreed(({ keepalive }) => keepalive?.maxAttempts),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
