import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ssh2 from 'ssh2';
import type { NmsKind, Site } from '../nms/nms.js';
import { startObedient } from '../nms/obedient.js';

/** An NMS that is not ours. */
export interface Peer extends NmsKind {
  readonly option: string;
  /** Debian's packages, and the files by which they are known to be there. */
  readonly packages: Readonly<Record<string, string>>;
  /** Keep-alives that ask for an answer, as ours do. */
  readonly probes: boolean;
}

/** The sources are not compiled to where this file is. */
const sources = fileURLToPath(new URL('../../peers/', import.meta.url));

async function argumentsOf({ folder, hostKeys, keepalive }: Site): Promise<string[]> {
  const keyFile = path.join(folder, 'key');
  const hostKeysFile = path.join(folder, 'host-keys');
  // the one format that all peers read
  await writeFile(keyFile, ssh2.utils.generateKeyPairSync('ed25519').private, { mode: 0o600 });
  await writeFile(hostKeysFile, `${hostKeys.join('\n')}\n`);
  return ['--key-file', keyFile, '--host-keys', hostKeysFile, '--keepalive', String(keepalive)];
}

const go: Peer = {
  option: 'go',
  name: 'Go, x/crypto/ssh',
  packages: {
    'golang-go': '/usr/bin/go',
    'golang-golang-x-crypto-dev': '/usr/share/gocode/src/golang.org/x/crypto/ssh/client.go',
  },
  probes: true,
  async start(site) {
    const program = path.join(site.folder, 'nms');
    execFileSync('/usr/bin/go', ['build', '-o', program, '.'], {
      cwd: path.join(sources, 'go'),
      env: { ...process.env, GOPATH: '/usr/share/gocode', GO111MODULE: 'off', GOFLAGS: '' },
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 300_000,
    });
    return startObedient(program, await argumentsOf(site));
  },
};

const ncclient: Peer = {
  option: 'ncclient',
  name: 'ncclient',
  packages: { 'python3-ncclient': '/usr/lib/python3/dist-packages/ncclient/__init__.py' },
  probes: false,
  start: async (site) =>
    startObedient('/usr/bin/python3', [path.join(sources, 'ncclient_nms.py'), ...(await argumentsOf(site))]),
};

export const peers: readonly Peer[] = [go, ncclient];

/** The packages of a peer that are not on this machine. */
export function missingPackages(peer: Peer): string[] {
  return Object.entries(peer.packages).flatMap(([name, file]) => (existsSync(file) ? [] : [name]));
}
