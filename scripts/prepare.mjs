// Makes a checkout runnable: installs and builds what is missing or stale, and says nothing when nothing is.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed, main, root, run, tell } from './run.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: true, os?: string[], cpu?: string[], libc?: string[] }} Package */

/**
 * The packages of a lock file of npm, by their folders; undefined where it cannot be read.
 * @param {string} file
 * @returns {Promise<Readonly<Record<string, Package>> | undefined>}
 */
async function packagesIn(file) {
  try {
    return JSON.parse(await readFile(path.join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Whether a package may be missing on this machine: it is for another one, or what such a package needs.
 * @param {Package} wanted
 */
function dispensable({ optional, os, cpu, libc }) {
  const forThis = os?.includes(process.platform) && cpu?.includes(process.arch) && libc === undefined;
  return optional === true && !forThis;
}

/** Whether node_modules has what package-lock.json says. npm writes its own lock file there when it is complete. */
async function isInstalled() {
  const wanted = await packagesIn('package-lock.json');
  const there = await packagesIn('node_modules/.package-lock.json');
  if (wanted === undefined || there === undefined) return false;
  return Object.entries(wanted).every(([folder, one]) => {
    const found = there[folder];
    if (folder === '') return true;
    if (found === undefined) return dispensable(one);
    const same = found.version === one.version && found.integrity === one.integrity;
    return same && existsSync(path.join(root, folder));
  });
}

/** Installs the dependencies when they are missing or other than package-lock.json says. */
export async function install() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(
      `Node 20.19 or newer is needed, and this is ${process.versions.node}: install a newer one`,
    );
  }
  await alone(async () => {
    if (await isInstalled()) return;
    tell('callhome: installing the dependencies (npm ci) …');
    // the build needs the development dependencies, whatever NODE_ENV says
    const status = await run('npm', ['ci', '--include=dev', '--loglevel=error']);
    if (status !== 0) throw new Error('`npm ci` failed: see above');
  });
}

/**
 * Builds projects, by default the programs; resolves with the compiler's exit status.
 * @param {readonly string[]} projects
 */
export async function build(projects = ['packages/agent', 'packages/nms']) {
  return await alone(async () => {
    if (!existsSync(path.join(root, 'packages', 'nms', 'dist'))) tell('callhome: building …');
    return await run(installed('tsc'), ['-b', ...projects]);
  });
}

/** Installs and builds. */
export async function prepare() {
  await install();
  if ((await build()) !== 0) throw new Error('the build failed: see above');
}

/**
 * Does one thing at a time in this checkout. `flock` of util-linux locks a descriptor that it inherits; the kernel drops
 * the lock when this process ends, however it ends. Where there is no `flock`, nothing is locked.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function alone(work) {
  const folder = openSync(root, 'r');
  /** @type {import('node:child_process').StdioOptions} */
  const stdio = ['ignore', 'ignore', 'ignore', folder];
  try {
    if (spawnSync('flock', ['--nonblock', '3'], { stdio }).status === 1) {
      tell('callhome: waiting for another process that prepares this folder …');
      await run('flock', ['3'], { stdio });
    }
    return await work();
  } finally {
    closeSync(folder);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await prepare();
    return 0;
  });
}
