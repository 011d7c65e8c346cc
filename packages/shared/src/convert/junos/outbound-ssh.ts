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

/** A statement of Junos that has no place in an OutboundSshClient. */
export interface ForeignStatement {
  /** How many words it has after its own, besides those of a block; undefined: all that follow. */
  readonly values: number | undefined;
  /** Whether the connections are others without it. */
  readonly matters: boolean;
  readonly text: string;
}

const noGroups =
  'groups are not applied here: give what `show configuration system services outbound-ssh | display inheritance` shows';

/** By the word that they begin with. */
export const foreignStatements: ReadonlyMap<string, ForeignStatement> = new Map([
  [
    'routing-instance',
    {
      values: 1,
      matters: true,
      text: 'the model has no routing instances: run the agent in that VRF or network namespace',
    },
  ],
  ['apply-groups', { values: 1, matters: true, text: noGroups }],
  ['apply-groups-except', { values: 1, matters: true, text: noGroups }],
  ['traceoptions', { values: undefined, matters: false, text: 'it traces, and is no part of calling home' }],
  [
    'disable-ssh-security-settings',
    { values: 0, matters: false, text: "it is about the settings of Junos's own SSH server" },
  ],
]);

/** Words that begin another statement of a client than a server: no server can be called so. */
export const reservedWords: ReadonlySet<string> = new Set([
  ...clientLeaves,
  'keep-alive',
  ...foreignStatements.keys(),
]);
