import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import { makePrivateFolder } from '@callhome/shared/files.js';
import { fingerprint, publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import type { Site } from './nms.js';

export const collectorProgram = fileURLToPath(
  new URL('../../../packages/nms/bin/callhome-nms.js', import.meta.url),
);

/** What our collector needs: the configuration that `init` writes, and the devices in its registry. */
export async function makeCollectorFiles(site: Site): Promise<{ config: string; state: string }> {
  const config = path.join(site.folder, 'nms.json');
  const state = path.join(site.folder, 'state');
  const ports = ['--listen', '127.0.0.1:0', '--api-port', '0'];
  execFileSync(process.execPath, [collectorProgram, 'init', ...ports, '--out', config], { timeout: 15_000 });
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(/"max-wait": \d+/, `"max-wait": ${site.keepalive}`));

  await makePrivateFolder(state);
  const registry = await openEmbeddedRegistry(state);
  for (const [index, line] of site.hostKeys.entries()) {
    const hostKeys = publicKeysFromText(line, 'the host key').map(({ type, blob }) => ({
      type,
      blob: blob.toString('base64'),
      fingerprint: fingerprint(blob),
    }));
    await registry.add({ id: deviceOf(index), settings: { user: 'callhome' }, labels: {}, hostKeys });
  }
  await registry.close();
  return { config, state };
}

/** A device's id in our registry. */
export function deviceOf(index: number): string {
  return `device-${index}`;
}
