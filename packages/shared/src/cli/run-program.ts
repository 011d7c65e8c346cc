import { Command, CommanderError } from 'commander';
import { CallhomeError, reasonOf } from '../errors.js';
import { inert } from '../inert.js';
import { readVersion } from './version.js';

/** What an exit status means, in both programs. */
export const exitStatus = { done: 0, failed: 1, usage: 2 } as const;

/** The exit status of a command that threw, where no rule of the program's own knows better. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.usage;
  return error instanceof CallhomeError && error.code === 'CALLHOME_USAGE'
    ? exitStatus.usage
    : exitStatus.failed;
}

/** One message on standard error, without what would steer a terminal: some of the text comes from peers. */
function report(name: string, error: unknown): void {
  // Commander has written its own words already.
  if (error instanceof CommanderError) return;
  const words =
    error instanceof CallhomeError
      ? error.message
      : `internal error: ${(error instanceof Error && error.stack) || reasonOf(error)}`;
  const lines = words.split('\n').map((line) => inert(line, '?'));
  process.stderr.write(`${name}: ${lines.join('\n')}\n`);
}

/** A program without commands yet: they inherit how it ends when they are added. */
export function createProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError(`(${name} --help tells more)`);
}

/** Runs a program's command line to its exit status. */
export async function runProgram(
  program: Command,
  statusOf: (error: unknown) => number = exitStatusOf,
): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as `head`, is no failure.
    if (error.code === 'EPIPE') process.exit(exitStatus.done);
    report(
      program.name(),
      new CallhomeError('CALLHOME_FILE_UNWRITABLE', { file: 'standard output', why: error.message }, error),
    );
    process.exit(exitStatus.failed);
  });
  try {
    await program.parseAsync();
  } catch (error) {
    report(program.name(), error);
    process.exitCode = statusOf(error);
  }
  // What is left, such as input that nobody waits for, does not hold the process; what is written goes out first.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}
