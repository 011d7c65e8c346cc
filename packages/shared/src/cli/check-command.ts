import type { Command } from 'commander';
import { isCallhomeError } from '../errors.js';
import { writeResult } from './output.js';
import { exitStatus } from './run-program.js';

/**
 * `check`: is a configuration valid?
 * @param load reads a configuration, and throws CALLHOME_CONFIG_INVALID with what is wrong with it
 */
export function addCheck(program: Command, example: string, load: (file: string) => Promise<unknown>): void {
  program
    .command('check')
    .summary('check a configuration')
    .description(
      'Prints "valid", or one line for each thing that is wrong: FILE: PATH: reason. Nothing is started.',
    )
    .argument('<file>', 'the configuration')
    .addHelpText(
      'after',
      `
Examples:
  $ ${program.name()} check ${example}
  $ ${program.name()} check new.json && mv new.json ${example}`,
    )
    .action(async (file: string) => {
      try {
        await load(file);
      } catch (error) {
        if (!isCallhomeError(error, 'CALLHOME_CONFIG_INVALID')) throw error;
        process.exitCode = exitStatus.failed;
        await writeResult(`${error.message}\n`);
        return;
      }
      await writeResult('valid\n');
    });
}
