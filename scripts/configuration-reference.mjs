// The tables of docs/configuration.md, made from the schema.
import { members } from '@callhome/shared/config/configuration.js';
import { nodeOf } from '@callhome/shared/config/yang/node.js';

/** @typedef {import('@callhome/shared/config/yang/node.js').Node} Node */
/** @typedef {import('@callhome/shared/config/yang/node.js').Shape} Shape */
/** @typedef {Exclude<Node, { kind: 'absent' }>} Present */
/** @typedef {{ title: string, path: string }} Section */

const application = 'ietf-netconf-server:netconf-server/call-home/netconf-client';
const called = `${application}/endpoints/endpoint`;
const listening = 'ietf-netconf-client:netconf-client/listen';

/**
 * A table each, in this order. Where the same is in another one, that points here.
 * @type {readonly Section[]}
 */
const sections = [
  { title: 'Agent: whom to call', path: 'ietf-netconf-server:netconf-server/call-home' },
  { title: 'Agent: how to dial', path: `${called}/ssh/tcp-client-parameters` },
  { title: 'Agent: SSH', path: `${called}/ssh/ssh-server-parameters` },
  { title: 'Agent: its own settings', path: 'callhome-agent:agent' },
  { title: 'Collector: where devices call', path: listening },
  {
    title: 'Collector: addresses and ports',
    path: `${listening}/endpoints/endpoint/ssh/tcp-server-parameters`,
  },
  { title: 'Collector: SSH', path: `${listening}/endpoints/endpoint/ssh/ssh-client-parameters` },
  { title: 'Collector: its own settings', path: 'callhome-nms:nms' },
  { title: 'Keystore', path: 'ietf-keystore:keystore' },
  { title: 'Truststore', path: 'ietf-truststore:truststore' },
  {
    title: 'A key pair for SSH',
    path: `${called}/ssh/ssh-server-parameters/server-identity/host-key/public-key`,
  },
  {
    title: 'Public keys for SSH',
    path: `${called}/ssh/ssh-server-parameters/client-authentication/users/user/public-keys`,
  },
  { title: 'SSH algorithms', path: `${called}/ssh/ssh-server-parameters/transport-params` },
  { title: 'Agent: TLS', path: `${called}/tls/tls-server-parameters` },
  {
    title: 'Agent: user names in certificates',
    path: `${called}/tls/netconf-server-parameters/client-identity-mappings`,
  },
  { title: 'Collector: TLS', path: `${listening}/endpoints/endpoint/tls/tls-client-parameters` },
  {
    title: 'A key pair with a certificate',
    path: `${called}/tls/tls-server-parameters/server-identity/certificate`,
  },
  {
    title: 'Certificates that are trusted',
    path: `${called}/tls/tls-server-parameters/client-authentication/ca-certs`,
  },
  { title: 'TLS versions and cipher suites', path: `${called}/tls/tls-server-parameters/hello-params` },
  { title: 'Agent: listening', path: 'ietf-netconf-server:netconf-server/listen' },
];

/**
 * The members of what is at a path.
 * @param {string} path
 */
function shapeAt(path) {
  /** @type {Shape} */
  let shape = members;
  for (const name of path.split('/')) {
    const schema = shape[name];
    const node = schema && nodeOf(schema);
    if (!node || !('shape' in node)) throw new Error(`there is no ${name} in ${path}`);
    shape = node.shape;
  }
  return shape;
}

/**
 * The members that there are, without those of features that are not supported.
 * @param {Shape} shape
 */
function presentIn(shape) {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const node = nodeOf(schema);
    return node.kind === 'absent' ? [] : [{ name, node }];
  });
}

/**
 * What two shapes have in common that are the same but for their defaults.
 * @param {Shape} shape
 * @returns {unknown}
 */
function outline(shape) {
  return presentIn(shape).map(({ name, node }) => [
    name,
    node.kind,
    node.facts.description,
    'shape' in node ? outline(node.shape) : node.type.name,
  ]);
}

/**
 * The defaults in which a shape differs from another one of the same outline.
 * @param {Shape} shape
 * @param {Shape} other
 * @returns {string[]}
 */
function otherDefaults(shape, other) {
  return presentIn(shape).flatMap(({ name, node }) => {
    const schema = other[name];
    const theirs = schema && nodeOf(schema);
    if (!theirs) return [];
    if ('shape' in node) return 'shape' in theirs ? otherDefaults(node.shape, theirs.shape) : [];
    const same = node.kind !== 'leaf' || theirs.kind !== 'leaf' || node.default === theirs.default;
    return same ? [] : [`the default of \`${name}\` is \`${node.default}\``];
  });
}

const outlines = new Map(
  sections.map((section) => [JSON.stringify(outline(shapeAt(section.path))), section]),
);

/** @param {string} title */
function anchor(title) {
  return `#${title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')}`;
}

/** @param {readonly string[]} names */
function codes(names) {
  return names.map((name) => `\`${name}\``).join(', ');
}

/** @param {Present & { kind: 'leaf' | 'leaf-list' }} node */
function typeText({ type, facts }) {
  const { name, encoding, values, names = [] } = type;
  if (facts.leafref) return `the name of ${facts.leafref.what}`;
  if (encoding === 'identityref')
    return `identity of \`${names[0]?.split(':')[0]}\`: ${codes(values.split(', '))}`;
  if (name === 'enumeration') return values.includes(', ') ? codes(values.split(', ')) : values;
  return `\`${name}\`${values === '' ? '' : `, ${values}`}`;
}

/** @param {Present} node */
function kindText(node) {
  switch (node.kind) {
    case 'leaf':
      return `${typeText(node)}${node.facts.units === undefined ? '' : `, ${node.facts.units}`}`;
    case 'leaf-list':
      return `list of: ${typeText(node)}`;
    case 'list':
      return `list, by \`${node.key}\``;
    case 'container':
      return Object.keys(node.shape).length === 0 ? 'there or not: `{}`' : 'group';
  }
}

/** @param {Present} node */
function defaultText(node) {
  if (node.choice && node.choice.cases.length > 1)
    return `${node.choice.mandatory ? 'one' : 'one at most'} of ${codes(node.choice.cases)}`;
  if (node.choice?.mandatory) return 'required';
  switch (node.kind) {
    case 'leaf':
      if (node.mandatory) return 'required';
      return node.default === undefined ? '' : `\`${node.default}\``;
    case 'list':
      return node.min > 0 ? 'one at least' : '';
    default:
      return '';
  }
}

/**
 * What the programs say of a setting that they refuse, or of some of its values.
 * @param {Present} node
 */
function refusedText(node) {
  const { refused } = node.facts;
  if (refused === undefined) return '';
  if (typeof refused === 'string') return ` **Refused:** ${refused}.`;
  const values = node.kind === 'leaf' ? [node.default, ...(node.type.range ?? node.type.names ?? [])] : [];
  const why = new Set(values.flatMap((value) => refused(value) ?? []));
  return ` **Refused** with some values: ${[...why].join('; ')}.`;
}

/** @param {readonly string[]} cells */
function line(cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/**
 * @param {Shape} shape
 * @param {string} prefix
 * @returns {string[]}
 */
function rows(shape, prefix = '') {
  return presentIn(shape).flatMap(({ name, node }) => {
    const path = `${prefix}${name}`;
    const { description, secret } = node.facts;
    const meaning = `${description}${secret ? ' Secret.' : ''}${refusedText(node)}`;
    const row = (more = '') => line([`\`${path}\``, kindText(node), defaultText(node), `${meaning}${more}`]);
    if (!('shape' in node)) return [row()];
    const section = outlines.get(JSON.stringify(outline(node.shape)));
    if (section && Object.keys(node.shape).length > 0) {
      const defaults = otherDefaults(node.shape, shapeAt(section.path));
      const but = defaults.length > 0 ? `, but ${defaults.join(', ')}` : '';
      return [row(` See [${section.title}](${anchor(section.title)})${but}.`)];
    }
    const inner = rows(node.shape, `${path}/`);
    const shown =
      node.kind === 'list' || node.presence || node.choice !== undefined || node.facts.refused !== undefined;
    return shown ? [row(), ...inner] : inner;
  });
}

/**
 * The features that are not supported, with the settings that need them.
 * @param {Shape} shape
 * @param {Map<string, Set<string>>} features
 */
function absentIn(shape, features = new Map()) {
  for (const [name, schema] of Object.entries(shape)) {
    const node = nodeOf(schema);
    if (node.kind === 'absent')
      features.set(node.feature, (features.get(node.feature) ?? new Set()).add(name));
    else if ('shape' in node) absentIn(node.shape, features);
  }
  return features;
}

/** All tables, in Markdown. */
function configurationReference() {
  const tables = sections.map(({ title, path }) =>
    [
      `### ${title}`,
      `In \`/${path}\`:`,
      '',
      line(['setting', 'value', 'default', 'what it does']),
      line(['---', '---', '---', '---']),
      ...rows(shapeAt(path)),
    ].join('\n'),
  );
  const features = [...absentIn(members)].sort(([one], [other]) => (one < other ? -1 : 1));
  const absent = [
    '### What is not in this model',
    'Settings of the published modules that need a feature that is not supported. They are errors of the schema.',
    '',
    line(['feature', 'settings']),
    line(['---', '---']),
    ...features.map(([feature, names]) => line([`\`${feature}\``, codes([...names].sort())])),
  ].join('\n');
  return [...tables, absent].join('\n\n');
}

const begin = '<!-- made by `npm run docs` from here -->';
const end = '<!-- to here -->';

/**
 * The page with its tables made anew, between its markers.
 * @param {string} page
 */
export function withReference(page) {
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (from < begin.length || to < from) throw new Error(`the page has no ${begin} … ${end}`);
  return `${page.slice(0, from)}\n\n${configurationReference()}\n\n${page.slice(to)}`;
}
