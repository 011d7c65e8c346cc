import { existsSync } from 'node:fs';

/**
 * The real peers of the tests: for each, Debian's package, and the file by which it is known to be there.
 */
const peers = {
  sshd: { package: 'openssh-server', file: '/usr/sbin/sshd' },
  ssh: { package: 'openssh-client', file: '/usr/bin/ssh' },
  netconfd: { package: 'netconfd', file: '/usr/sbin/netconfd' },
  libnetconf2: { package: 'libnetconf2-dev', file: '/usr/include/nc_client.h' },
  libssh: { package: 'libssh-dev', file: '/usr/include/libssh/libssh.h' },
  libc: { package: 'libc6-dev', file: '/usr/include/stdio.h' },
  gcc: { package: 'gcc', file: '/usr/bin/gcc' },
  ncclient: { package: 'python3-ncclient', file: '/usr/lib/python3/dist-packages/ncclient/__init__.py' },
  asyncssh: {
    package: 'python3-asyncssh',
    file: '/usr/lib/python3/dist-packages/asyncssh/__init__.py',
  },
  go: { package: 'golang-go', file: '/usr/bin/go' },
  goSsh: {
    package: 'golang-golang-x-crypto-dev',
    file: '/usr/share/gocode/src/golang.org/x/crypto/ssh/client.go',
  },
  dbclient: { package: 'dropbear-bin', file: '/usr/bin/dbclient' },
  yanglint: { package: 'libyang2-tools', file: '/usr/bin/yanglint' },
  openssl: { package: 'openssl', file: '/usr/bin/openssl' },
  perl: { package: 'perl-base', file: '/usr/bin/perl' },
  socat: { package: 'socat', file: '/usr/bin/socat' },
  danted: { package: 'dante-server', file: '/usr/sbin/danted' },
  microsocks: { package: 'microsocks', file: '/usr/bin/microsocks' },
  ip: { package: 'iproute2', file: '/usr/sbin/ip' },
  mount: { package: 'mount', file: '/usr/bin/mount' },
  systemd: { package: 'systemd', file: '/usr/bin/systemd-notify' },
  ps: { package: 'procps', file: '/usr/bin/ps' },
};

/** @typedef {keyof typeof peers} Peer */

/** @type {readonly Peer[]} */
export const allPeers = /** @type {Peer[]} */ (Object.keys(peers));

/**
 * Those that are not on this machine.
 * @param {readonly Peer[]} wanted
 */
export function missingPeers(wanted) {
  return wanted.filter((peer) => !existsSync(peers[peer].file));
}

/**
 * The packages that bring them.
 * @param {readonly Peer[]} wanted
 */
export function packagesOf(wanted) {
  return wanted.map((peer) => peers[peer].package);
}
