import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf } from './arrows.js';
import { rooms } from './rooms.js';

async function sourcesOfPackages(): Promise<ReadonlyMap<string, string>> {
  const sources = new Map<string, string>();
  for (const name of await readdir('packages')) {
    const folder = path.join('packages', name, 'src');
    for (const file of await readdir(folder, { recursive: true }))
      if (file.endsWith('.ts'))
        sources.set(path.join(folder, file), await readFile(path.join(folder, file), 'utf8'));
  }
  return sources;
}

it('packages and their folders import each other one way, as the rooms say', async () => {
  expect(faultsOf(await sourcesOfPackages(), rooms)).toEqual([]);
});

describe('an import is told with both files and the rule', () => {
  const from = 'packages/shared/src/netconf/framing.ts';
  const to = 'packages/shared/src/ssh/wire.ts';

  /** The faults of two files, the first of which says this. */
  const faults = (text: string, file = from, other = to) =>
    faultsOf(
      new Map([
        [file, text],
        [other, ''],
      ]),
      rooms,
    );

  it.each([
    ['of values', `import { a } from '../ssh/wire.js';`],
    ['of types alone', `import type { A } from '../ssh/wire.js';`],
    ['of a type among values', `import { type A, b } from '../ssh/wire.js';`],
    ['for what it does', `import '../ssh/wire.js';`],
    ['that is an export', `export * from '../ssh/wire.js';`],
    ['that is an export of types', `export type { A } from '../ssh/wire.js';`],
    ['within an expression', `const wire = await import('../ssh/wire.js');`],
    ['within a type', `let a: import('../ssh/wire.js').A;`],
    ['of a thread', `new Worker(new URL('../ssh/wire.js', import.meta.url));`],
    ['by the name of the package', `import { a } from '@callhome/shared/ssh/wire.js';`],
  ])('%s', (_what, text) => {
    expect(faults(text)).toEqual([`${from} imports ${to}: shared/netconf may not use shared/ssh`]);
  });

  it.each([
    ['shared/log', 'nms/collector', 'shared may not use nms'],
    ['shared/ssh/wire', 'agent/dial/tcp', 'shared/ssh may not use agent/dial'],
    ['nms/listen/listener', 'agent/dial/tcp', 'nms/listen may not use agent/dial'],
    ['agent/cli/run', 'nms/cli/serve', 'agent/cli may not use nms/cli'],
    ['shared/log', 'shared/xml/reader', 'shared may not use shared/xml'],
    ['shared/connection/lifecycle', 'shared/ssh/wire', 'shared/connection may not use shared/ssh'],
    ['nms/fleet', 'nms/collector', 'nms/fleet may not use nms'],
    ['nms/fleet/reach', 'nms/collector', 'nms/fleet may not use nms'],
    ['nms/registry/registry', 'nms/cli/serve', 'nms/registry may not use nms/cli'],
  ])('from %s to %s', (one, other, rule) => {
    const sourceOf = (module: string) => module.replace('/', '/src/').replace(/.*/, 'packages/$&.ts');
    const text = `import type { A } from '@callhome/${other}.js';`;
    const [file, imported] = [sourceOf(one), sourceOf(other)];
    expect(faults(text, file, imported)).toEqual([`${file} imports ${imported}: ${rule}`]);
  });

  it('of what is no source', () => {
    expect(faults(`import { a } from '../../dist/ssh/wire.js';`)).toEqual([
      `${from} imports packages/shared/dist/ssh/wire.ts, which is no source of a package`,
    ]);
  });
});

it('a file that is in no room is told', () => {
  const file = 'packages/nms/src/elsewhere/some.ts';
  expect(faultsOf(new Map([[file, '']]), rooms)).toEqual([
    `${file} is in no room: rooms.ts has no nms/elsewhere`,
  ]);
});

it('rooms that could use each other, or use another package, are told', () => {
  const circle = { 'nms/cli': ['nms/fleet'], 'nms/fleet': ['nms/listen'], 'nms/listen': ['nms/cli'] };
  expect(faultsOf(new Map(), circle)).toEqual(['nms/listen uses nms/cli, which is not below it']);
  expect(faultsOf(new Map(), { nms: ['shared', 'nowhere'], shared: [] })).toEqual([
    'nms uses nowhere, which is not below it',
  ]);
  expect(faultsOf(new Map(), { 'agent/cli': ['nms'], nms: [] })).toEqual([
    'agent/cli uses nms, which is of another package',
  ]);
});
