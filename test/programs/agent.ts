import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type CommandResult, runCommand } from './command.js';
import { createFolder, removeFolder } from './folder.js';
import { type LoggedProgram, type Runner, startLoggedProgram } from './logged-program.js';

/** `callhome-agent run`, with configuration and state in a folder of its own. */
export interface AgentProgram {
  readonly folder: string;
  /** Its public host key: one line. */
  readonly hostKey: string;
  /** The running program, once `start` was called; another one after the next. */
  readonly program: LoggedProgram;
  /** Changes its configuration. */
  edit(change: (text: string) => string): Promise<void>;
  start(): Promise<void>;
  /** Runs a command that talks to it. */
  command(...args: readonly string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

export interface AgentOptions {
  /** The ports of the collectors, in order. */
  readonly ports: readonly number[];
  /** Where the collectors are, if not on loopback. */
  readonly address?: string;
  /** The collector's public key, a line or more. */
  readonly nmsKey: string;
  readonly user?: string;
  /** May change the configuration that `init` wrote. */
  readonly edit?: (text: string) => string;
  /** Its state folder, if not in its own. */
  readonly state?: string;
  readonly runner?: Runner;
}

/** Configures an agent; `start` runs it. */
export async function createAgent({
  ports,
  address = '127.0.0.1',
  nmsKey,
  user = 'callhome',
  edit,
  state,
  runner,
}: AgentOptions): Promise<AgentProgram> {
  const folder = await createFolder('agent');
  const file = path.join(folder, 'agent.json');
  const keyFile = path.join(folder, 'nms.pub');
  await writeFile(keyFile, `${nmsKey}\n`);
  const must = async (args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await runCommand('agent', args);
    if (status !== 0) throw new Error(`callhome-agent ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const endpoints = ports.flatMap((port) => ['--nms', `${address}:${port}`]);
  await must(['init', ...endpoints, '--nms-key', keyFile, '--user', user, '--out', file]);
  const change = async (make: (text: string) => string) =>
    writeFile(file, make(await readFile(file, 'utf8')));
  if (edit) await change(edit);
  const hostKey = (await must(['key', '--config', file])).trim();
  let program: LoggedProgram | undefined;
  const stateFolder = state ?? path.join(folder, 'state');
  return {
    folder,
    hostKey,
    get program() {
      if (!program) throw new Error('the agent was not started');
      return program;
    },
    edit: change,
    async start() {
      program = await startLoggedProgram(
        'agent',
        ['run', '--config', file, '--state-dir', stateFolder],
        runner,
      );
    },
    command: (...args) => runCommand('agent', [...args, '--state-dir', stateFolder]),
    async stop() {
      await program?.stop();
      await removeFolder(folder);
    },
  };
}
