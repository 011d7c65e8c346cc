import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFolder, removeFolder } from '../programs/folder.js';

const root = path.resolve('.');

/** A checkout as this one, installed and built. Its packages are links: who empties its node_modules removes those alone. */
async function copyCheckout(copy: string): Promise<void> {
  for (const name of await readdir(root)) {
    const isNeeded = name === 'packages' || name === 'scripts' || name.endsWith('.json') || name === '.npmrc';
    const preserveTimestamps = true; // or else the build is stale
    if (isNeeded)
      await cp(path.join(root, name), path.join(copy, name), { recursive: true, preserveTimestamps });
  }
  const modules = path.join(copy, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(path.join(root, 'node_modules'))) {
    if (name === '@callhome' || name === '.package-lock.json')
      await cp(path.join(root, 'node_modules', name), path.join(modules, name), {
        recursive: true,
        verbatimSymlinks: true,
      });
    else if (name !== '.cache')
      await symlink(path.join(root, 'node_modules', name), path.join(modules, name));
  }
}

let folder = '';
beforeEach(async () => {
  folder = await createFolder('checkout');
  await copyCheckout(folder);
});
afterEach(() => removeFolder(folder));

/** With a registry that does not answer, and nothing kept of it. */
async function prepare(): Promise<{ status: unknown; stderr: string }> {
  const child = spawn(process.execPath, [path.join(folder, 'scripts', 'prepare.mjs')], {
    env: {
      ...process.env,
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_fetch_retries: '0',
      npm_config_cache: path.join(folder, 'npm-cache'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { status, stderr };
}

/** Changes an object of JSON in a file. */
async function change(
  file: string,
  edit: (json: { packages: Record<string, { version?: string }> }) => void,
) {
  const json = JSON.parse(await readFile(file, 'utf8'));
  edit(json);
  await writeFile(file, JSON.stringify(json));
}

test('what is installed and built is used as it is, without a registry', async () => {
  expect(await prepare()).toEqual({ status: 0, stderr: '' });
});

test('packages for other machines may be missing, and the lock file may have more of them', async () => {
  await change(path.join(folder, 'package-lock.json'), ({ packages }) => {
    Object.assign(packages, {
      'node_modules/for-another': { version: '1.0.0', optional: true, os: ['none'], cpu: ['none'] },
    });
  });
  expect(await prepare()).toEqual({ status: 0, stderr: '' });
});

const lockFile = () => path.join(folder, 'node_modules', '.package-lock.json');

test.each([
  ['nothing is installed', () => rm(path.join(folder, 'node_modules'), { recursive: true })],
  ['a package is missing', () => rm(path.join(folder, 'node_modules', 'zod'))],
  [
    'what only builds was left out',
    () => change(lockFile(), ({ packages }) => delete packages['node_modules/vitest']),
  ],
  [
    'a package is another one',
    () =>
      change(lockFile(), ({ packages }) => {
        packages['node_modules/zod'] = { ...packages['node_modules/zod'], version: '0.0.1' };
      }),
  ],
  [
    'a package for this machine is missing',
    () =>
      change(lockFile(), ({ packages }) => {
        delete packages[`node_modules/@typescript/typescript-${process.platform}-${process.arch}`];
      }),
  ],
])('where %s, npm installs', async (_what, damage) => {
  await damage();
  const { status, stderr } = await prepare();
  expect(stderr).toContain('installing the dependencies (npm ci)');
  expect(status).toBe(1);
});
