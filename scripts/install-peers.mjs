// Brings the real peers of the tests onto a Debian machine.
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { packagesOf } from './peers.mjs';
import { run, tell } from './run.mjs';

/** Debian asks this program, where there is one, before a package starts its service. */
const policy = '/usr/sbin/policy-rc.d';

/**
 * Installs the packages of these peers, where that is possible: as root, with apt. No service is started.
 * A failure is told, and the peers stay missing.
 * @param {readonly import('./peers.mjs').Peer[]} peers
 */
export async function installPeers(peers) {
  if (peers.length === 0 || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  const packages = packagesOf(peers);
  tell(`callhome: installing the peers of the tests: ${packages.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  /** @param {string[]} args */
  const apt = (...args) =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args], { env });
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  try {
    const done =
      (await apt('update')) === 0 &&
      (await apt('install', '-y', '--no-install-recommends', ...packages)) === 0;
    if (!done) tell('callhome: apt-get failed: see above');
  } finally {
    if (ownPolicy) await rm(policy);
  }
}
