// `npm start`: a collector and one device on this machine, to try things on, until Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { prepare } from './prepare.mjs';
import { main, root, tell } from './run.mjs';

/** @typedef {'agent' | 'nms'} Program */
/** @typedef {{ folder: string, port: string, apiPort: string, interrupt: AbortSignal }} Demonstration */

/** The device's id. */
const device = 'demo';
/** How long a command, and the device's connecting, may take. Milliseconds. */
const patience = 60_000;
/** How long the programs may take to end. Milliseconds. */
const grace = 5_000;

const usage = `Usage: npm start -- [--dir DIR] [--port PORT] [--api-port PORT]

Runs a collector and a device that calls it, both on this machine, until Ctrl-C.

  --dir DIR        keep configuration and state there; otherwise they go to a temporary folder, which is removed
  --port PORT      where the collector awaits devices (default 4334)
  --api-port PORT  where its HTTP API listens (default 8334)

A folder that was used before has its ports in its nms.json and agent.json.
`;

/** @param {Program} program */
function binOf(program) {
  return path.join(root, 'packages', program, 'bin', `callhome-${program}.js`);
}

/** For what this script starts: Ctrl-C is for the script alone, which then ends it in order. */
const ownGroup = { detached: true };

/**
 * Runs one command to its end; resolves with its standard output.
 * @param {AbortSignal} signal
 * @param {Program} program
 * @param {readonly string[]} args
 */
async function command(signal, program, ...args) {
  const child = spawn(process.execPath, [binOf(program), ...args], {
    ...ownGroup,
    signal,
    timeout: patience,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (status === 0) return stdout;
  throw new Error(`\`callhome-${program} ${args[0]}\` failed: ${stderr.trim() || `status ${status}`}`);
}

/**
 * Runs one command, for the user to see.
 * @param {AbortSignal} signal
 * @param {readonly string[]} args
 */
async function show(signal, ...args) {
  const child = spawn(process.execPath, [binOf('nms'), ...args], {
    ...ownGroup,
    signal,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'close');
}

/**
 * Starts a program that stays, with its output in a file of its own.
 * @param {Demonstration} demonstration
 * @param {Program} program
 * @param {readonly string[]} args
 */
function startProgram({ folder }, program, ...args) {
  const log = path.join(folder, `${program}.log`);
  const output = openSync(log, 'a', 0o600);
  const child = spawn(process.execPath, [binOf(program), ...args], {
    ...ownGroup,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    /** Rejects when it has ended, with what it said of that, or else the end of its log. */
    died: ended.then(async () => {
      const lines = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-10);
      const words = lines.filter((line) => line.startsWith(`callhome-${program}: `));
      if (words.length > 0) throw new Error(words.join('\n'));
      throw new Error(`callhome-${program} has ended; the end of its log, ${log}:\n${lines.join('\n')}`);
    }),
    async stop() {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), grace);
      await ended;
      clearTimeout(kill);
    },
  };
}

/**
 * Writes what is not there yet: both configurations, with keys, and the public halves.
 * @param {Demonstration} demonstration
 */
async function configure({ folder, port, apiPort, interrupt }) {
  const [nms, agent] = [path.join(folder, 'nms.json'), path.join(folder, 'agent.json')];
  const [nmsKey, hostKey] = [path.join(folder, 'nms.pub'), path.join(folder, 'device.pub')];
  if (!existsSync(nms)) {
    await command(
      interrupt,
      'nms',
      'init',
      '--out',
      nms,
      '--listen',
      `127.0.0.1:${port}`,
      '--api-port',
      apiPort,
    );
  }
  await writeFile(nmsKey, await command(interrupt, 'nms', 'key', '--config', nms));
  if (!existsSync(agent)) {
    const address = ['--nms', `127.0.0.1:${port}`, '--nms-key', nmsKey];
    await command(interrupt, 'agent', 'init', '--out', agent, ...address);
  }
  await writeFile(hostKey, await command(interrupt, 'agent', 'key', '--config', agent));
  return { nms, agent, hostKey };
}

/**
 * Asks until the answer will do. A failed question is asked again.
 * @template T
 * @param {AbortSignal} interrupt
 * @param {string} what
 * @param {() => Promise<T | undefined>} ask
 * @returns {Promise<T>}
 */
async function poll(interrupt, what, ask) {
  const limit = AbortSignal.timeout(patience);
  /** @type {unknown} */
  let last;
  while (!limit.aborted) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      interrupt.throwIfAborted();
      last = error;
    }
    await delay(100, undefined, { signal: interrupt });
  }
  throw new Error(
    `${what} took more than ${patience / 1000} s${last instanceof Error ? `: ${last.message}` : ''}`,
  );
}

/**
 * What to try, as it works when pasted into a shell.
 * @param {string} folder
 * @param {string} state
 */
function hints(folder, state) {
  /** @param {string} text */
  const quote = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  const at = `--state-dir ${quote(state)}`;
  return `
Try in another terminal:
  cd ${quote(root)}
  npx callhome-nms devices ${at}
  npx callhome-nms device show ${device} ${at}
  npx callhome-nms get-config ${device} ${at}
  echo '<get/>' | npx callhome-nms rpc ${device} ${at}
  npx callhome-nms netconf ${device} ${at}

The programs' logs: ${quote(path.join(folder, 'nms.log'))} and ${quote(path.join(folder, 'agent.log'))}
Ctrl-C ends the demonstration.
`;
}

/**
 * Throws when a port is in use that a new configuration is to have. All else is for the programs to tell.
 * @param {string} option  that names it
 * @param {string} port
 */
async function needFree(option, port) {
  const server = createServer();
  try {
    server.listen(Number(port), '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new Error(`port ${port} is in use: give another one with ${option}`);
  } finally {
    server.close();
  }
}

/**
 * @param {Demonstration} demonstration
 * @param {(running: ReturnType<typeof startProgram>) => void} own  takes what is to be stopped
 */
async function demonstrate(demonstration, own) {
  const { folder, interrupt } = demonstration;
  const { nms, agent, hostKey } = await configure(demonstration);
  const states = { nms: path.join(folder, 'nms'), agent: path.join(folder, 'agent') };
  /** @param {string[]} args */
  const ask = (...args) => command(interrupt, 'nms', ...args, '--state-dir', states.nms);
  /** @returns {Promise<{ id: string, state: string }[]>} */
  const devices = async () => JSON.parse(await ask('devices', '--json'));

  const collector = startProgram(demonstration, 'nms', 'serve', '--config', nms, '--state-dir', states.nms);
  own(collector);
  const known = await Promise.race([poll(interrupt, 'the collector', devices), collector.died]);
  if (!known.some(({ id }) => id === device)) await ask('device', 'add', device, '--host-key', hostKey);

  const caller = startProgram(demonstration, 'agent', 'run', '--config', agent, '--state-dir', states.agent);
  own(caller);
  const died = Promise.race([collector.died, caller.died]);
  const connected = async () =>
    (await devices()).some(({ id, state }) => id === device && state === 'connected') || undefined;
  await Promise.race([poll(interrupt, 'the connection', connected), died]);

  await show(interrupt, 'devices', '--state-dir', states.nms);
  await show(interrupt, 'device', 'show', device, '--state-dir', states.nms);
  process.stdout.write(hints(folder, states.nms));
  await Promise.race([died, new Promise((resolve) => interrupt.addEventListener('abort', resolve))]);
}

await main(async () => {
  /** @type {{ dir?: string, port: string, 'api-port': string, help?: boolean }} */
  let options;
  try {
    options = parseArgs({
      options: {
        dir: { type: 'string' },
        port: { type: 'string', default: '4334' },
        'api-port': { type: 'string', default: '8334' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    tell(`callhome: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { dir, port, 'api-port': apiPort } = options;
  const used = dir !== undefined && existsSync(path.join(dir, 'nms.json'));
  if (!used) {
    await needFree('--port', port);
    await needFree('--api-port', apiPort);
  }
  await prepare();

  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt.abort());
  const folder = dir ? path.resolve(dir) : await mkdtemp(path.join(tmpdir(), 'callhome-demo-'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  /** @type {ReturnType<typeof startProgram>[]} */
  const running = [];
  try {
    await demonstrate({ folder, port, apiPort, interrupt: interrupt.signal }, (program) =>
      running.push(program),
    );
  } catch (error) {
    if (interrupt.signal.aborted) return 0; // Ctrl-C is how it is meant to end
    if (!used || !(error instanceof Error)) throw error;
    throw new Error(`${error.message}\nThe ports are those in ${folder}: nms.json and agent.json have them`);
  } finally {
    interrupt.abort(); // whoever still asks
    await Promise.all(running.map((program) => program.stop()));
    if (dir === undefined) await rm(folder, { recursive: true });
  }
  return 0;
});
