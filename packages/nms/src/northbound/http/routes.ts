import { CallhomeError } from '@callhome/shared/errors.js';
import { z } from 'zod';
import { deviceId } from '../../registry/device-id.js';
import { profileName } from '../../registry/profiles.js';
import { type Call, valid } from './call.js';
import { addDevice, changeDevice, listDevices, removeDevice, renameDevice, showDevice } from './devices.js';
import { showHistory } from './history.js';
import { exportDevices, importDevices } from './inventory.js';
import { approveKey, forgetKey, listPending, rejectKey, showPending } from './pending.js';
import { addProfile, changeProfile, listProfiles, removeProfile, showProfile } from './profiles.js';
import { sendRpc } from './rpc.js';
import {
  changeQuery,
  devicesQuery,
  fingerprintBeginning,
  historyQuery,
  paths,
  rpcQuery,
  tunnelProtocol,
} from './schemas.js';
import { showStatus } from './status.js';
import { openTunnel } from './tunnel.js';

type Handler = (call: Call, query: URLSearchParams) => Promise<void>;

interface Route {
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, Handler>>;
  /** Whether the connection leaves HTTP here. */
  readonly upgrades?: boolean;
}

/**
 * A handler with the query that it takes. @throws CALLHOME_REQUEST_INVALID for any other
 * @param repeated a parameter that may be given several times
 */
function taking<T extends z.ZodType>(
  schema: T,
  handle: (call: Call, query: z.output<T>) => Promise<void>,
  repeated?: string,
): Handler {
  return async (call, query) => {
    const parameters = new Map<string, string | string[]>();
    for (const [name, value] of query) {
      if (name === repeated) {
        parameters.set(name, query.getAll(name));
        continue;
      }
      if (parameters.has(name))
        throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: `query: "${name}" is given twice` });
      parameters.set(name, value);
    }
    await handle(call, valid(schema, Object.fromEntries(parameters), 'query'));
  };
}

const plain = (handle: (call: Call) => Promise<void>) => taking(z.strictObject({}), handle);

const pattern = (path: string) => new RegExp(`^${path.replace(/\{(\w+)\}/, '(?<$1>[^/]+)')}$`);

const routes: readonly Route[] = [
  { path: pattern(paths.status), methods: { GET: plain(showStatus) } },
  { path: pattern(paths.devices), methods: { GET: taking(devicesQuery, listDevices, 'label') } },
  {
    path: pattern(paths.device),
    methods: {
      GET: plain(showDevice),
      PUT: plain(addDevice),
      PATCH: taking(changeQuery, changeDevice),
      DELETE: plain(removeDevice),
    },
  },
  { path: pattern(paths.rename), methods: { POST: plain(renameDevice) } },
  { path: pattern(paths.profiles), methods: { GET: plain(listProfiles) } },
  {
    path: pattern(paths.profile),
    methods: {
      GET: plain(showProfile),
      PUT: plain(addProfile),
      PATCH: taking(changeQuery, changeProfile),
      DELETE: plain(removeProfile),
    },
  },
  { path: pattern(paths.history), methods: { GET: taking(historyQuery, showHistory) } },
  { path: pattern(paths.rpc), methods: { POST: taking(rpcQuery, sendRpc) } },
  { path: pattern(paths.netconf), methods: { GET: plain(openTunnel) }, upgrades: true },
  { path: pattern(paths.pending), methods: { GET: plain(listPending) } },
  {
    path: pattern(paths.pendingKey),
    methods: { GET: plain(showPending), DELETE: plain(forgetKey) },
  },
  { path: pattern(paths.approve), methods: { POST: plain(approveKey) } },
  { path: pattern(paths.reject), methods: { POST: plain(rejectKey) } },
  { path: pattern(paths.import), methods: { POST: plain(importDevices) } },
  { path: pattern(paths.export), methods: { GET: plain(exportDevices) } },
];

/** What a request asks for. */
export interface Routed {
  readonly handler: Handler;
  /** Empty where the path names no device. */
  readonly device: string;
  /** Empty where the path names no profile. */
  readonly profile: string;
  /** Empty where the path names none. */
  readonly fingerprint: string;
  readonly query: URLSearchParams;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new CallhomeError(
      'CALLHOME_REQUEST_INVALID',
      { why: 'the path has a bad percent-encoding' },
      error,
    );
  }
}

/**
 * Finds the handler of a request. The path is taken as it was sent: nothing in it is resolved or normalised.
 * @throws CALLHOME_ROUTE_UNKNOWN, CALLHOME_METHOD_REFUSED, CALLHOME_REQUEST_INVALID
 */
export function routeOf(method: string, target: string, upgrade: boolean): Routed {
  const [path = '', query = ''] = target.split(/\?(.*)/s, 2);
  for (const route of routes) {
    const match = route.path.exec(path);
    if (!match) continue;
    const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined;
    if (!handler) {
      throw new CallhomeError('CALLHOME_METHOD_REFUSED', {
        method,
        path,
        allowed: Object.keys(route.methods),
      });
    }
    if (upgrade !== (route.upgrades ?? false)) {
      const why = upgrade
        ? 'this path knows no upgrade: ask for none (curl: --http1.1)'
        : `this path wants "Connection: Upgrade" and "Upgrade: ${tunnelProtocol}"`;
      throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why });
    }
    const { id, profile, fingerprint } = match.groups ?? {};
    return {
      handler,
      device: id === undefined ? '' : valid(deviceId, decoded(id), 'device'),
      profile: profile === undefined ? '' : valid(profileName, decoded(profile), 'profile'),
      fingerprint:
        fingerprint === undefined ? '' : valid(fingerprintBeginning, decoded(fingerprint), 'fingerprint'),
      query: new URLSearchParams(query),
    };
  }
  throw new CallhomeError('CALLHOME_ROUTE_UNKNOWN', { path });
}
