// `npm run docs`: writes the tables of docs/configuration.md anew.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prepare } from './prepare.mjs';
import { main, root } from './run.mjs';

await main(async () => {
  await prepare();
  const { withReference } = await import('./configuration-reference.mjs');
  const page = path.join(root, 'docs', 'configuration.md');
  await writeFile(page, withReference(await readFile(page, 'utf8')));
  return 0;
});
