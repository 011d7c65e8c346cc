import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type CommandResult, runCommand } from './command.js';
import { createFolder, removeFolder } from './folder.js';
import { binOf, type LoggedProgram, node, type Runner, startLoggedProgram } from './logged-program.js';
import { startProgram } from './program.js';

const started = z.object({ listeners: z.tuple([z.object({ port: z.number() })]) });

/** A running `callhome-nms netconf`. */
export interface NetconfCommand {
  write(text: string): void;
  /** Resolves when its output has this text. */
  until(text: string): Promise<void>;
  /** Its exit status. */
  readonly ended: Promise<number | NodeJS.Signals>;
  stop(): Promise<void>;
}

/** `callhome-nms serve`, with configuration and state in a folder of its own, on loopback. */
export interface CollectorProgram {
  readonly folder: string;
  /** Where devices call. */
  readonly port: number;
  /** Its public key: one line. */
  readonly publicKey: string;
  /** The running program; another one after `restart`. */
  readonly program: LoggedProgram;
  /** Runs a command that talks to it. */
  command(args: readonly string[], input?: string): Promise<CommandResult>;
  /** Runs `callhome-nms netconf`. */
  netconf(device: string): Promise<NetconfCommand>;
  /** Adds a device by its public key, a line or more. */
  addDevice(id: string, hostKey: string, user?: string): Promise<void>;
  /** Resolves when the device is connected, with its line of the log. */
  connected(id: string): Promise<unknown>;
  /** Ends it, by SIGKILL or as told, and starts it again on the same port. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export interface CollectorOptions {
  /** Where devices call, if not on loopback. */
  readonly address?: string;
  /** May change the configuration that `init` wrote. */
  readonly edit?: (text: string) => string;
  /** Its state folder, if not in its own. */
  readonly state?: string;
  /** Runs it, and the commands that talk to it. */
  readonly runner?: Runner;
}

/** Starts a collector. */
export async function startCollector({
  address = '127.0.0.1',
  edit = (text) => text,
  state: stateFolder,
  runner = node,
}: CollectorOptions = {}): Promise<CollectorProgram> {
  const folder = await createFolder('collector');
  const file = path.join(folder, 'nms.json');
  const state = stateFolder ?? path.join(folder, 'state');
  const must = async (args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await runCommand('nms', args);
    if (status !== 0) throw new Error(`callhome-nms ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await must(['init', '--listen', `${address}:0`, '--api-port', '0', '--out', file]);
  await writeFile(file, edit(await readFile(file, 'utf8')));
  const publicKey = (await must(['key', '--config', file])).trim();

  const serve = () => startLoggedProgram('nms', ['serve', '--config', file, '--state-dir', state], runner);
  let program = await serve();
  const [{ port }] = started.parse(await program.logged({ msg: 'collector started' })).listeners;
  await writeFile(file, (await readFile(file, 'utf8')).replace('"local-port": 0', `"local-port": ${port}`));

  const command = (args: readonly string[], input?: string) =>
    runCommand('nms', [...args, '--state-dir', state], input, runner);
  return {
    folder,
    port,
    publicKey,
    get program() {
      return program;
    },
    command,
    async netconf(device) {
      const [command, ...before] = runner;
      const args = [...before, binOf('nms'), 'netconf', device, '--state-dir', state];
      const running = await startProgram(command, args, { stdout: 'raw' });
      let output = '';
      running.stdout.on('data', (chunk: Buffer) => {
        output += chunk;
      });
      return {
        write: (text) => void running.stdin.write(text),
        async until(text) {
          const there = (async () => {
            while (!output.includes(text)) await once(running.stdout, 'data');
          })();
          await running
            .expect(`${text} in`, there)
            .catch((error: Error) => Promise.reject(new Error(`${error.message}\n${output}`)));
        },
        ended: running.ended,
        stop: running.stop,
      };
    },
    async addDevice(id, hostKey, user = 'callhome') {
      const args = ['device', 'add', id, '--host-key', '-', '--user', user];
      const { status, stderr } = await command(args, hostKey);
      if (status !== 0) throw new Error(stderr);
    },
    connected: (id) => program.logged({ msg: 'device connected', device: id }),
    async restart(signal = 'SIGKILL') {
      await program.stop(signal);
      program = await serve();
      await program.logged({ msg: 'collector started' });
    },
    async stop() {
      await program.stop();
      await removeFolder(folder);
    },
  };
}
