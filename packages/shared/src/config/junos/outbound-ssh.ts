/** One server of a client, with Junos's defaults where the configuration leaves them to Junos. */
export interface OutboundSshServer {
  readonly address: string;
  readonly port: number;
  /** Attempts before the next server. */
  readonly retry: number;
  /** Of one attempt. Seconds. */
  readonly timeout: number;
  /** Where it stands in the text that it was read from. */
  readonly line?: number | undefined;
}

/** One `client` of Junos's `system services outbound-ssh`: a management system that is called, as data. */
export interface OutboundSshClient {
  readonly name: string;
  readonly deviceId?: string | undefined;
  /** In clear text. */
  readonly secret?: string | undefined;
  /** On only where both are set: `timeout` seconds without data before each of `retry` probes. */
  readonly keepAlive?: { readonly retry: number; readonly timeout: number } | undefined;
  readonly reconnectStrategy?: 'sticky' | 'in-order' | undefined;
  readonly services: readonly string[];
  /** In the order in which they are tried. Each address is there once. */
  readonly servers: readonly OutboundSshServer[];
  /** Where it stands in the text that it was read from. */
  readonly line?: number | undefined;
}

/** Junos's own. Nothing else in the conversions knows them: what is read has every value. */
export const serverDefaults = { port: 22, retry: 3, timeout: 15 } as const;

/** The statements of a client that have one value. */
export const clientLeaves: ReadonlySet<string> = new Set([
  'device-id',
  'secret',
  'reconnect-strategy',
  'services',
]);

/** Words that Junos may have in a client and that have no place in an OutboundSshClient. */
const foreign = ['routing-instance', 'apply-groups', 'apply-groups-except', 'traceoptions'];

/** Words that begin another statement of a client than a server: no server can be called so. */
export const reservedWords: ReadonlySet<string> = new Set([...clientLeaves, 'keep-alive', ...foreign]);
