import { keyPredicate } from '../../config/yang/path.js';
import { CallhomeError, peerText, reasonOf } from '../../errors.js';
import { childElements, parseElement, textOf, type XmlElement } from '../../xml/element.js';
import type { Loss } from '../loss.js';

/** One `application` of the form of 2014: a management system that is called, as data. */
export interface Draft2014Application {
  readonly name: string;
  readonly description?: string | undefined;
  readonly servers: readonly { readonly address: string; readonly port: number }[];
  /** The files or names of its SSH host keys. */
  readonly hostKeys: readonly string[];
  readonly connectionType:
    | {
        readonly persistent: {
          readonly keepAlives: { readonly intervalSecs: number; readonly countMax: number };
        };
      }
    | { readonly periodic: { readonly timeoutMins: number; readonly lingerSecs: number } };
  readonly reconnectStrategy: {
    readonly startWith: 'first-listed' | 'last-connected';
    /** Between two attempts. */
    readonly intervalSecs: number;
    readonly countMax: number;
  };
}

/** That of draft-ietf-netconf-server-model-01, and of the module of today. */
export const draft2014Namespace = 'urn:ietf:params:xml:ns:yang:ietf-netconf-server';

/** Of the draft's module, where a value is absent. */
const defaults = {
  keepAlives: { intervalSecs: 15, countMax: 3 },
  periodic: { timeoutMins: 5, lingerSecs: 30 },
  reconnectStrategy: { startWith: 'first-listed', intervalSecs: 5, countMax: 3 },
} as const;

type Report = (path: string, text: string) => void;

/** What is in an element, each child by its name: all of them, in order. */
type Children = ReadonlyMap<string, readonly { readonly element: XmlElement; readonly path: string }[]>;

/** Tells of every child but the known ones, and of a second one where there can be one. */
function childrenOf(
  element: XmlElement,
  path: string,
  known: Readonly<Record<string, 'one' | 'many'>>,
  report: Report,
): Children {
  const children = new Map<string, { element: XmlElement; path: string }[]>();
  for (const child of childElements(element)) {
    const { name } = child;
    const here = `${path}/${peerText(name)}`;
    const kind =
      child.namespace === draft2014Namespace && Object.hasOwn(known, name) ? known[name] : undefined;
    const same = children.get(name);
    if (!kind) report(here, 'is not understood: left out');
    else if (!same) children.set(name, [{ element: child, path: kind === 'many' ? `${here}[1]` : here }]);
    else if (kind === 'many') same.push({ element: child, path: `${here}[${same.length + 1}]` });
    else report(here, 'is there twice: the first one counts');
  }
  return children;
}

function textIn(children: Children, name: string): string | undefined {
  const [child] = children.get(name) ?? [];
  return child && textOf(child.element);
}

/** A number of the draft's, most of which are of 8 bits. */
function numberIn<T extends number | undefined>(
  children: Children,
  name: string,
  otherwise: T,
  report: Report,
  [min, max]: readonly [number, number] = [0, 255],
): number | T {
  const [child] = children.get(name) ?? [];
  if (!child) return otherwise;
  const text = textOf(child.element);
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  if (number >= min && number <= max) return number;
  const instead = otherwise === undefined ? '' : `: the default is taken, ${otherwise}`;
  report(child.path, `must be a number from ${min} to ${max}${instead}`);
  return otherwise;
}

function serversOf(children: Children, report: Report): Draft2014Application['servers'] {
  const [servers] = children.get('servers') ?? [];
  if (!servers) return [];
  const list = childrenOf(servers.element, servers.path, { server: 'many' }, report).get('server') ?? [];
  return list.flatMap(({ element, path }) => {
    const leaves = childrenOf(element, path, { address: 'one', port: 'one' }, report);
    const address = textIn(leaves, 'address') ?? '';
    const port = numberIn(leaves, 'port', undefined, report, [1, 65535]);
    if (address !== '' && port !== undefined) return [{ address, port }];
    report(path, `has no ${address === '' ? 'address' : 'usable port'}: left out`);
    return [];
  });
}

/** The host keys; `undefined` where it is not over SSH. */
function sshHostKeysOf(children: Children, path: string, report: Report): readonly string[] | undefined {
  const [transport] = children.get('transport') ?? [];
  if (!transport) {
    report(path, 'has no transport: it is taken for SSH');
    return [];
  }
  const kinds = childrenOf(transport.element, transport.path, { ssh: 'one', tls: 'one' }, report);
  const [ssh] = kinds.get('ssh') ?? [];
  if (!ssh) {
    report(transport.path, 'is not SSH: the application is left out');
    return undefined;
  }
  const [tls] = kinds.get('tls') ?? [];
  if (tls) report(tls.path, 'stands beside ssh, which is taken');
  const [keys] = childrenOf(ssh.element, ssh.path, { 'host-keys': 'one' }, report).get('host-keys') ?? [];
  if (!keys) return [];
  const list = childrenOf(keys.element, keys.path, { 'host-key': 'many' }, report).get('host-key') ?? [];
  return list.flatMap(
    (key) => textIn(childrenOf(key.element, key.path, { name: 'one' }, report), 'name') ?? [],
  );
}

function connectionTypeOf(children: Children, report: Report): Draft2014Application['connectionType'] {
  const [type] = children.get('connection-type') ?? [];
  const kinds = type && childrenOf(type.element, type.path, { persistent: 'one', periodic: 'one' }, report);
  const [periodic] = kinds?.get('periodic') ?? [];
  const [persistent] = kinds?.get('persistent') ?? [];
  if (periodic && !persistent) {
    const known = { 'timeout-mins': 'one', 'linger-secs': 'one' } as const;
    const leaves = childrenOf(periodic.element, periodic.path, known, report);
    return {
      periodic: {
        timeoutMins: numberIn(leaves, 'timeout-mins', defaults.periodic.timeoutMins, report),
        lingerSecs: numberIn(leaves, 'linger-secs', defaults.periodic.lingerSecs, report),
      },
    };
  }
  if (periodic) report(periodic.path, 'stands beside persistent, which is taken');
  const [keepAlives] = persistent
    ? (childrenOf(persistent.element, persistent.path, { 'keep-alives': 'one' }, report).get('keep-alives') ??
      [])
    : [];
  if (!keepAlives) return { persistent: { keepAlives: defaults.keepAlives } };
  const known = { 'interval-secs': 'one', 'count-max': 'one' } as const;
  const leaves = childrenOf(keepAlives.element, keepAlives.path, known, report);
  return {
    persistent: {
      keepAlives: {
        intervalSecs: numberIn(leaves, 'interval-secs', defaults.keepAlives.intervalSecs, report),
        countMax: numberIn(leaves, 'count-max', defaults.keepAlives.countMax, report),
      },
    },
  };
}

function reconnectStrategyOf(children: Children, report: Report): Draft2014Application['reconnectStrategy'] {
  const [strategy] = children.get('reconnect-strategy') ?? [];
  if (!strategy) return defaults.reconnectStrategy;
  const known = { 'start-with': 'one', 'interval-secs': 'one', 'count-max': 'one' } as const;
  const leaves = childrenOf(strategy.element, strategy.path, known, report);
  const startWith = textIn(leaves, 'start-with') ?? defaults.reconnectStrategy.startWith;
  const understood = startWith === 'first-listed' || startWith === 'last-connected';
  if (!understood) {
    report(`${strategy.path}/start-with`, 'must be first-listed or last-connected: first-listed is taken');
  }
  return {
    startWith: understood ? startWith : defaults.reconnectStrategy.startWith,
    intervalSecs: numberIn(leaves, 'interval-secs', defaults.reconnectStrategy.intervalSecs, report),
    countMax: numberIn(leaves, 'count-max', defaults.reconnectStrategy.countMax, report),
  };
}

function applicationOf(element: XmlElement, path: string, report: Report): Draft2014Application | undefined {
  const known = {
    name: 'one',
    description: 'one',
    servers: 'one',
    transport: 'one',
    'connection-type': 'one',
    'reconnect-strategy': 'one',
  } as const;
  const children = childrenOf(element, path, known, report);
  const name = textIn(children, 'name') ?? '';
  // these XML can have, and YANG's strings cannot (RFC 7950 §9.4)
  if (name === '' || /\p{Noncharacter_Code_Point}/u.test(name)) {
    report(path, 'has no usable name: left out');
    return undefined;
  }
  const hostKeys = sshHostKeysOf(children, path, report);
  if (!hostKeys) return undefined;
  return {
    name,
    description: textIn(children, 'description'),
    servers: serversOf(children, report),
    hostKeys,
    connectionType: connectionTypeOf(children, report),
    reconnectStrategy: reconnectStrategyOf(children, report),
  };
}

function parse(xml: string, file: string): XmlElement {
  try {
    return parseElement(xml);
  } catch (error) {
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: ${reasonOf(error)}`] }, error);
  }
}

/** `application[name='x']`, by position where it has no name. */
function applicationPath(path: string, element: XmlElement): string {
  const name = childElements(element).find((child) => child.name === 'name');
  return name ? `${path.replace(/\[[0-9]+\]$/, '')}${keyPredicate(textOf(name))}` : path;
}

/**
 * Reads the form in which call home was configured in 2014: that of draft-ietf-netconf-server-model-00 and -01, and of
 * the first implementation. Values that are absent are the draft's defaults.
 * @throws CALLHOME_CONFIG_INVALID where it is no such document
 */
export function readDraft2014(
  xml: string,
  file: string,
): { applications: Draft2014Application[]; losses: Loss[] } {
  const root = parse(xml, file);
  if (root.name !== 'netconf' || root.namespace !== draft2014Namespace) {
    const why = `the root element must be netconf, of the namespace ${draft2014Namespace}`;
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: ${why}`] });
  }
  const losses: Loss[] = [];
  const report: Report = (path, text) => void losses.push({ path, text });
  const callHomes = childrenOf(root, '/netconf', { 'call-home': 'one' }, report).get('call-home') ?? [];
  const lists = callHomes.flatMap(
    ({ element, path }) =>
      childrenOf(element, path, { applications: 'one' }, report).get('applications') ?? [],
  );
  const entries = lists.flatMap(
    ({ element, path }) =>
      childrenOf(element, path, { application: 'many' }, report).get('application') ?? [],
  );
  if (entries.length === 0) report('/netconf/call-home/applications', 'there is no application');
  const names = new Set<string>();
  const applications = entries.flatMap(({ element, path }) => {
    const here = applicationPath(path, element);
    const application = applicationOf(element, here, report);
    if (!application) return [];
    if (names.has(application.name)) {
      report(here, 'is there twice: the first one counts');
      return [];
    }
    names.add(application.name);
    return [application];
  });
  return { applications, losses };
}
