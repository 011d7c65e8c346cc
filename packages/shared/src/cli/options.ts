import { type Command, Option } from 'commander';

/** Gives a command the option that names its configuration. */
export function addConfigOption(command: Command, file: string): Command {
  return command.addOption(
    new Option('--config <file>', 'the configuration').env('CALLHOME_CONFIG').default(file),
  );
}

/** Gives a command the option that names the state folder of the running program that it asks. */
export function addRunningStateOption(command: Command): Command {
  return command.option(
    '--state-dir <dir>',
    'the state folder of the running program (default: $STATE_DIRECTORY, else $XDG_STATE_HOME/callhome or ' +
      "~/.local/state/callhome, and where none runs there, the service's /var/lib/callhome)",
  );
}

/** Gives a command the option that names the state folder. */
export function addStateOption(command: Command): Command {
  return command.option(
    '--state-dir <dir>',
    'the state folder (default: $STATE_DIRECTORY, else $XDG_STATE_HOME/callhome, else ~/.local/state/callhome)',
  );
}
