// The published YANG modules that the configuration schema is compared with. They are no part of this repository.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './run.mjs';

/**
 * What the schema has of the IETF's and IANA's modules: each in the revision that it is written for, with the features
 * that callhome supports.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const implemented = {
  'iana-crypt-hash@2014-08-06': ['crypt-hash-sha-256', 'crypt-hash-sha-512'],
  'iana-ssh-encryption-algs@2024-10-16': [],
  'iana-ssh-key-exchange-algs@2024-10-16': [],
  'iana-ssh-mac-algs@2024-10-16': [],
  'iana-ssh-public-key-algs@2024-10-16': [],
  'iana-tls-cipher-suite-algs@2024-10-16': [],
  'ietf-x509-cert-to-name@2014-12-10': [],
  'ietf-crypto-types@2024-10-10': [
    'one-asymmetric-key-format',
    'one-symmetric-key-format',
    'cleartext-passwords',
    'cleartext-symmetric-keys',
    'cleartext-private-keys',
  ],
  'ietf-truststore@2024-10-10': [
    'central-truststore-supported',
    'inline-definitions-supported',
    'certificates',
    'public-keys',
  ],
  'ietf-keystore@2024-10-10': [
    'central-keystore-supported',
    'inline-definitions-supported',
    'asymmetric-keys',
    'symmetric-keys',
  ],
  'ietf-tcp-common@2024-10-10': ['keepalives-supported'],
  'ietf-tcp-client@2024-10-10': [
    'local-binding-supported',
    'tcp-client-keepalives',
    'proxy-connect',
    'socks4-supported',
    'socks4a-supported',
    'socks5-supported',
    'socks5-username-password',
  ],
  'ietf-tcp-server@2024-10-10': ['tcp-server-keepalives'],
  'ietf-ssh-common@2024-10-10': ['transport-params'],
  'ietf-ssh-server@2024-10-10': [
    'ssh-server-keepalives',
    'local-users-supported',
    'local-user-auth-publickey',
    'local-user-auth-password',
  ],
  'ietf-ssh-client@2024-10-10': ['ssh-client-keepalives', 'client-ident-publickey', 'client-ident-password'],
  'ietf-tls-common@2024-10-10': ['tls12', 'tls13', 'hello-params'],
  'ietf-tls-server@2024-10-10': [
    'tls-server-keepalives',
    'server-ident-x509-cert',
    'server-ident-tls12-psk',
    'client-auth-supported',
    'client-auth-x509-cert',
    'client-auth-tls12-psk',
  ],
  'ietf-tls-client@2024-10-10': [
    'tls-client-keepalives',
    'client-ident-x509-cert',
    'client-ident-tls12-psk',
    'server-auth-x509-cert',
    'server-auth-tls12-psk',
  ],
  'ietf-netconf-server@2025-04-24': [
    'ssh-listen',
    'tls-listen',
    'ssh-call-home',
    'tls-call-home',
    'central-netconf-server-supported',
  ],
  'ietf-netconf-client@2024-08-14': ['ssh-listen', 'tls-listen', 'central-netconf-client-supported'],
};

/** What those import beside each other. */
const imported = ['ietf-inet-types@2013-07-15', 'ietf-netconf-acm@2018-02-14', 'ietf-yang-types@2013-07-15'];

/**
 * The name of MODULE@REVISION.
 * @param {string} module
 */
export function nameOf(module) {
  return module.slice(0, module.indexOf('@'));
}

/** Where they are looked for: the folders of `$CALLHOME_YANG`, or `yang` in `$CALLHOME_SHARED`, by default ../shared. */
export function moduleFolders() {
  const folders =
    process.env['CALLHOME_YANG'] || path.join(process.env['CALLHOME_SHARED'] ?? '../shared', 'yang');
  return folders.split(':').map((folder) => path.resolve(root, folder));
}

/**
 * The files of the modules, by their names, and the modules that are in none of the folders. Of several revisions it is
 * the one that the schema is written for, else the newest.
 * @param {readonly string[]} folders  the first one that has a file counts
 */
export function publishedModules(folders = moduleFolders()) {
  /** @type {Map<string, string>} */
  const published = new Map();
  for (const folder of folders) {
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      if (/@\d{4}-\d{2}-\d{2}\.yang$/.test(file) && !published.has(file))
        published.set(file, path.join(folder, file));
    }
  }
  const newestFirst = [...published.keys()].sort().reverse();
  /** @type {Map<string, string>} */
  const files = new Map();
  const missing = [];
  for (const module of [...Object.keys(implemented), ...imported]) {
    const name = nameOf(module);
    const newest = newestFirst.find((file) => nameOf(file) === name);
    const file = published.get(`${module}.yang`) ?? published.get(newest ?? '');
    if (file === undefined) missing.push(module);
    else files.set(name, file);
  }
  return { files, missing };
}
