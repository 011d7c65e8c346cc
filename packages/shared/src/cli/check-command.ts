import type { Command } from 'commander';
import { loadDocument } from '../config/document.js';
import { isCallhomeError } from '../errors.js';
import { writeResult } from './output.js';
import { exitStatus } from './run-program.js';

/**
 * `check`: is a configuration valid?
 * @param load reads a configuration for this program, and throws CALLHOME_CONFIG_INVALID with what is wrong with it
 */
export function addCheck(
  program: Command,
  example: string,
  load: (file: string) => Promise<{ readonly warnings: readonly string[] }>,
): void {
  program
    .command('check')
    .summary('check a configuration')
    .description(
      'Prints "valid", or one line for each thing that is wrong: FILE: PATH: reason. Nothing is started.\n' +
        'First the schema is checked, with all that a YANG validator would find; then what no schema can tell: keys that\n' +
        'are unreadable, users who could not log in, settings that are not supported. What the program would do otherwise\n' +
        'than the configuration says is a warning on standard error; the configuration is valid all the same.',
    )
    .argument('<file>', 'the configuration, in JSON or XML')
    .option('--schema-only', 'check against the schema alone')
    .addHelpText(
      'after',
      `
Examples:
  $ ${program.name()} check ${example}
  $ ${program.name()} check --schema-only exported.xml
  $ ${program.name()} check new.json && mv new.json ${example}`,
    )
    .action(async (file: string, { schemaOnly }: { schemaOnly?: true }) => {
      try {
        if (schemaOnly) await loadDocument(file);
        else for (const warning of (await load(file)).warnings) process.stderr.write(`warning: ${warning}\n`);
      } catch (error) {
        if (!isCallhomeError(error, 'CALLHOME_CONFIG_INVALID')) throw error;
        process.exitCode = exitStatus.failed;
        await writeResult(`${error.message}\n`);
        return;
      }
      await writeResult('valid\n');
    });
}
