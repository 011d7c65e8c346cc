// Logs as many lines as it is told, more when it is told, and what it has done so far on standard output.
import { createInterface } from 'node:readline';
import { createLog } from '@callhome/shared/log.js';
import { limitLastWords } from '@callhome/shared/log-output.js';

const log = createLog('writer');
for await (const count of createInterface({ input: process.stdin })) {
  for (let line = 0; line < Number(count); line += 1) log.info({ filler: 'x'.repeat(1000) }, 'a line');
  process.stdout.write('logged\n');
}
process.stdin.destroy();
limitLastWords();
process.stderr.write('');
