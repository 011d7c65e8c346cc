import { isIP } from 'node:net';
import { CallhomeError, peerText, quote } from '../../errors.js';
import { type Loss, lossLines } from '../loss.js';
import {
  clientLeaves,
  foreignStatements,
  type OutboundSshClient,
  type OutboundSshServer,
  reservedWords,
  serverDefaults,
} from './outbound-ssh.js';
import { decodeSecret, isReversibleSecret } from './secret.js';
import type { Statement } from './statement.js';
import {
  addPath,
  createStatementTree,
  findPath,
  prune,
  removePath,
  type StatementTree,
} from './statement-tree.js';
import { readStatements } from './statements.js';

/** What a Junos configuration says of outbound SSH. */
export interface JunosImport {
  readonly clients: readonly OutboundSshClient[];
  /** Of the text, by line. */
  readonly losses: readonly Loss[];
  /** Worth knowing, nothing to act upon. */
  readonly notes: readonly string[];
}

type Report = (line: number, text: string) => void;

/** Of what has no place here: whether it is a loss or worth a note is the statement's own. */
type Foreign = (line: number, what: string, words: readonly string[]) => void;

/** Where the stanza may begin: the text is a whole configuration, or what Junos shows below one of these. */
const places = [['system', 'services', 'outbound-ssh'], ['services', 'outbound-ssh'], ['outbound-ssh']];

const serverLeaves: ReadonlySet<string> = new Set(['port', 'retry', 'timeout']);
const keepAliveLeaves: ReadonlySet<string> = new Set(['retry', 'timeout']);

/** With more, it is something else than Junos configuration. */
const maxLosses = 1000;
const maxNumber = 0xffff_ffff;
/** What no string of the model can hold (RFC 7950 §9.4), and what no one-line value of Junos needs. */
const unprintable = /[\p{Cc}\p{Surrogate}\p{Noncharacter_Code_Point}]/u;

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((word, index) => path[index] === word);
}

/** The path below `outbound-ssh`; `undefined` for what is elsewhere. */
function pathInStanza(path: readonly string[]): readonly string[] | undefined {
  const place = places.find((place) => startsWith(path, place));
  if (place) return path.slice(place.length);
  return path[0] === 'client' ? path : undefined;
}

/** Junos lets any word be a server. One that is none of its other words, and is not just a misspelt one, is taken. */
function isServer(word: string, next: string | undefined, first: boolean): boolean {
  if (reservedWords.has(word) || word === '') return false;
  if (next === undefined) return first;
  return isIP(word) !== 0 || serverLeaves.has(next);
}

/** The path of one setting of a client: its name, the statement, for a group the leaf, the value. */
interface Setting {
  readonly path: readonly string[];
  readonly line: number;
}

/**
 * Cuts a client's words, its name first, into paths of one setting each: a line may hold several.
 * What is not understood is reported, and never quoted once a secret may be in it.
 */
function settingsOf(
  words: readonly string[],
  lines: readonly number[],
  line: number,
  report: Report,
  tellForeign: Foreign,
): Setting[] {
  const [name = ''] = words;
  const who = `client ${quote(name)}`;
  if (name === '' || unprintable.test(name)) {
    report(line, 'a client without a usable name: left out');
    return [];
  }
  const settings: Setting[] = [];
  let at = 0;
  const add = (...path: string[]) => void settings.push({ path, line: lines[at] ?? line });
  add(name);
  at = 1;

  function foreign(of: readonly string[]): boolean {
    const statement = foreignStatements.get(words[at] ?? '');
    if (!statement) return false;
    const end = statement.values === undefined ? words.length : at + 1 + statement.values;
    tellForeign(lines[at] ?? line, [who, ...of.map(quote), ''].join(', '), words.slice(at, end));
    at = end;
    return true;
  }

  function leaves(of: readonly string[], known: ReadonlySet<string>): void {
    for (let leaf = words[at]; leaf !== undefined; leaf = words[at]) {
      if (of.length > 0 && foreign(of)) continue;
      if (!known.has(leaf)) return;
      const value = words[at + 1];
      if (value === undefined)
        report(line, `${[who, ...of.map(quote)].join(', ')}: ${quote(leaf)} has no value`);
      else add(name, ...of, leaf, value);
      at += 2;
      // below the client itself each leaf is on its own: what follows may be a server called so
      if (of.length === 0) return;
    }
  }

  while (at < words.length) {
    const word = words[at] ?? '';
    const next = words[at + 1];
    if (foreign([])) continue;
    if (clientLeaves.has(word)) {
      leaves([], clientLeaves);
    } else if (word === 'keep-alive') {
      add(name, word);
      at += 1;
      leaves([word], keepAliveLeaves);
    } else if (isServer(word, next, at === 1)) {
      add(name, word);
      at += 1;
      leaves([word], serverLeaves);
    } else {
      const shown = words.slice(0, at).includes('secret') ? 'what follows the secret' : quote(word);
      report(line, `${who}: ${shown} is not understood: left out`);
      break;
    }
  }
  return settings;
}

/** The one value of a leaf. */
function singleValue(node: StatementTree | undefined): string | undefined {
  return node?.children.keys().next().value;
}

function numberOf(
  node: StatementTree | undefined,
  range: readonly [number, number],
  report: (line: number, text: string) => void,
): number | undefined {
  const value = singleValue(node);
  if (!node || value === undefined) return undefined;
  const number = /^[0-9]{1,10}$/.test(value) ? Number(value) : -1;
  if (number >= range[0] && number <= range[1]) return number;
  report(node.line, `must be a number from ${range[0]} to ${range[1]}`);
  return undefined;
}

function serverOf(address: string, node: StatementTree, client: string, report: Report): OutboundSshServer {
  const leaf = (name: 'port' | 'retry' | 'timeout', range: readonly [number, number]) =>
    numberOf(node.children.get(name), range, (line, text) =>
      report(
        line,
        `client ${quote(client)}, server ${quote(address)}: ${name} ${text}: the default is taken, ${serverDefaults[name]}`,
      ),
    ) ?? serverDefaults[name];
  return {
    address,
    port: leaf('port', [1, 65535]),
    retry: leaf('retry', [0, maxNumber]),
    timeout: leaf('timeout', [0, maxNumber]),
    line: node.line,
  };
}

function keepAliveOf(
  node: StatementTree | undefined,
  who: string,
  report: Report,
): OutboundSshClient['keepAlive'] {
  if (!node) return undefined;
  const leaf = (name: 'retry' | 'timeout') =>
    numberOf(node.children.get(name), [0, maxNumber], (line, text) =>
      report(line, `${who}: keep-alive ${name} ${text}`),
    );
  const retry = leaf('retry');
  const timeout = leaf('timeout');
  if (retry !== undefined && timeout !== undefined) return { retry, timeout };
  report(node.line, `${who}: keep-alive is on only where both retry and timeout are set: it is off`);
  return undefined;
}

function secretOf(node: StatementTree | undefined, who: string, report: Report): string | undefined {
  const value = singleValue(node);
  if (!node || value === undefined) return undefined;
  if (value.startsWith('$8$')) {
    report(node.line, `${who}: the secret is encrypted with the device's master password: left out`);
    return undefined;
  }
  const secret = isReversibleSecret(value) ? decodeSecret(value) : value;
  if (secret === undefined) report(node.line, `${who}: the secret's $9$ form does not decode: left out`);
  else if (secret === '' || unprintable.test(secret))
    report(node.line, `${who}: the secret is empty or has characters that it cannot have: left out`);
  else return secret;
  return undefined;
}

function clientOf(name: string, node: StatementTree, report: Report): OutboundSshClient {
  const who = `client ${quote(name)}`;
  const leaf = (word: string) => node.children.get(word);

  let deviceId = singleValue(leaf('device-id'));
  if (deviceId !== undefined && (deviceId === '' || unprintable.test(deviceId))) {
    const text = 'the device-id is empty or has characters that it cannot have: left out';
    report(leaf('device-id')?.line ?? node.line, `${who}: ${text}`);
    deviceId = undefined;
  }
  const strategy = singleValue(leaf('reconnect-strategy'));
  const reconnectStrategy = strategy === 'sticky' || strategy === 'in-order' ? strategy : undefined;
  if (strategy !== undefined && !reconnectStrategy) {
    const text = 'the reconnect-strategy must be sticky or in-order: left out';
    report(leaf('reconnect-strategy')?.line ?? node.line, `${who}: ${text}`);
  }
  return {
    name,
    line: node.line,
    deviceId,
    secret: secretOf(leaf('secret'), who, report),
    keepAlive: keepAliveOf(leaf('keep-alive'), who, report),
    reconnectStrategy,
    services: [...(leaf('services')?.children.keys() ?? [])],
    servers: [...node.children]
      .filter(([word]) => !reservedWords.has(word))
      .map(([address, server]) => serverOf(address, server, name, report)),
  };
}

/** A second value of a leaf takes the place of the first. */
function addSetting(tree: StatementTree, { path, line }: Setting, report: Report): void {
  const [client = '', leaf = ''] = path;
  const parent = path.slice(0, -1);
  const single = leaf !== 'services' && (path.length === 4 || (path.length === 3 && clientLeaves.has(leaf)));
  const before = single ? findPath(tree, parent)?.children : undefined;
  if (before && before.size > 0 && !before.has(path.at(-1) ?? '')) {
    const name = path.length === 4 ? `${path[1]} ${path[2]}` : leaf;
    report(line, `client ${quote(client)}: ${peerText(name)} is there twice: the last one counts`);
    removePath(tree, parent);
  }
  addPath(tree, path, line);
}

/** Verbs that leave what is configured as it is, or are about what is not read anyway. */
const harmless: ReadonlySet<string> = new Set(['protect', 'unprotect', 'activate', 'deactivate', 'delete']);

/** What is told of a statement that is not read: outbound SSH by another command, or where groups would put it. */
function outsideLoss({ verb, path }: Statement): string | undefined {
  const at = path.indexOf('outbound-ssh');
  // anything may be called so: a policy, for one
  const elsewhere = at === 0 || path[at - 1] === 'services';
  if (harmless.has(verb) || !(elsewhere || pathInStanza(path))) return undefined;
  if (verb !== 'set') return `${quote(verb)} is not understood: give whole set lines`;
  return `outbound-ssh of ${quote(path.slice(0, 2).join(' '))} is not read: ${foreignStatements.get('apply-groups')?.text}`;
}

/** What a line deletes or switches on or off: clients, one of them, something of it; undefined for what is elsewhere. */
function targetOf(path: readonly string[]): { path: readonly string[]; what: string } | undefined {
  const inside = pathInStanza(path);
  const above =
    path.length > 0 && places.some((place) => path.length < place.length && startsWith(place, path));
  if (!inside && !above) return undefined;
  const [client, ...rest] = inside ?? [];
  if (client !== undefined && client !== 'client') return undefined;
  return { path: rest, what: rest.length > 0 ? `of client ${quote(rest[0] ?? '')}` : 'of outbound-ssh' };
}

/** What is switched off, until it is switched on again: in Junos it keeps its place, and what is set later in it is off too. */
function createSwitches(tree: StatementTree) {
  const off = new Map<string, { node: StatementTree | undefined; line: number; what: string }>();
  return {
    /** @returns whether it concerns outbound SSH */
    turn({ verb, path, line }: Statement): boolean {
      const target = targetOf(path);
      // what is above is of interest only with something below
      if (!target || (tree.children.size === 0 && !pathInStanza(path))) return false;
      const key = JSON.stringify(path);
      off.delete(key);
      if (verb === 'deactivate') off.set(key, { node: findPath(tree, target.path), line, what: target.what });
      return true;
    },
    /** Takes away what is off in the end. */
    apply(report: Report): void {
      for (const { line, what } of off.values()) report(line, `inactive configuration ${what}: left out`);
      prune(tree, new Set([...off.values()].flatMap(({ node }) => node ?? [])));
    },
  };
}

/** @returns what is told of a deletion; undefined where it does not concern outbound SSH */
function remove(tree: StatementTree, path: readonly string[]): string | undefined {
  const target = targetOf(path);
  if (!target) return undefined;
  const any = removePath(tree, target.path);
  if (!pathInStanza(path) && !any) return undefined;
  return `delete ${target.what} has no meaning for the device here: it only takes back what stands before it`;
}

/**
 * Reads the outbound SSH clients of Junos configuration text: a whole configuration or a part of it, curly or `set`.
 * @throws CALLHOME_CONFIG_INVALID with line and column where it is not such text, and where too much is not understood
 */
export function readJunos(text: string, file: string): JunosImport {
  const losses: { readonly line: number; readonly text: string }[] = [];
  const report: Report = (line, text) => {
    losses.push({ line, text });
    if (losses.length < maxLosses) return;
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', {
      problems: [...lossLines(file, losses), `${file}: and more`],
    });
  };
  const tree = createStatementTree(1);
  const told = new Set<string>();
  let outside = 0;

  const notes = new Set<string>();
  const tellForeign: Foreign = (line, where, [word = '', ...values]) => {
    const statement = foreignStatements.get(word);
    const shown = statement?.values === undefined ? word : [word, ...values.map(quote)].join(' ');
    const text = `${where}${shown}: left out: ${statement?.text}`;
    if (statement?.matters) report(line, text);
    else notes.add(`line ${line}: ${text}`);
  };
  const switches = createSwitches(tree);

  for (const statement of readStatements(text, file)) {
    const { verb, path, lines, line } = statement;
    if ((verb === 'deactivate' || verb === 'activate') && switches.turn(statement)) continue;
    const deleted = verb === 'delete' ? remove(tree, path) : undefined;
    if (deleted !== undefined) {
      report(line, deleted);
      continue;
    }
    const inside = pathInStanza(path);
    if (!inside || verb !== 'set') {
      outside += 1;
      const loss = outsideLoss(statement);
      // a group has many lines
      if (loss !== undefined && !told.has(loss)) report(line, loss);
      if (loss !== undefined) told.add(loss);
      continue;
    }
    const [word, ...rest] = inside;
    if (word === undefined) continue;
    if (foreignStatements.has(word)) {
      tellForeign(lines.at(path.length - inside.length) ?? line, '', inside);
      continue;
    }
    if (word !== 'client') {
      report(line, `${quote(word)} of outbound-ssh is not understood: left out`);
      continue;
    }
    const settings = settingsOf(rest, lines.slice(path.length - rest.length), line, report, tellForeign);
    for (const setting of settings) addSetting(tree, setting, report);
  }

  switches.apply(report);
  const clients = [...tree.children].map(([name, node]) => clientOf(name, node, report));
  if (clients.length === 0) report(1, 'there is no active client of outbound-ssh');
  return {
    clients,
    losses: losses.sort((a, b) => a.line - b.line),
    notes: [
      ...notes,
      ...(outside > 0 ? [`${outside} statements outside of outbound-ssh were left aside`] : []),
    ],
  };
}
