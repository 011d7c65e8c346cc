import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's folder. */
export const root = path.resolve(fileURLToPath(import.meta.url), '../..');

/** @type {readonly NodeJS.Signals[]} */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Somebody wants the script to end. */
class Interrupted extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.status = 128 + constants.signals[signal];
  }
}

/**
 * The path of a program that npm installed.
 * @param {string} name
 */
export function installed(name) {
  return path.join(root, 'node_modules', '.bin', name);
}

/**
 * Tells the user something, beside the results.
 * @param {string} text
 */
export function tell(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs a program in the checkout, to its end; what it writes goes to standard error.
 * Resolves with its exit status, or 127 when there is no such program.
 * Passes on signals to it and all that it started, and then throws.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, stdio?: import('node:child_process').StdioOptions }} [options]
 * @returns {Promise<number>}
 */
export async function run(command, args, options) {
  const child = spawn(command, args, { cwd: root, detached: true, stdio: ['ignore', 2, 2], ...options });
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  /** @param {NodeJS.Signals} signal */
  const pass = (signal) => {
    interrupted = signal;
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  };
  for (const signal of signals) process.on(signal, pass);
  const status = await new Promise((resolve) => {
    child.once('error', (error) => {
      tell(`callhome: cannot run ${command}: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  for (const signal of signals) process.off(signal, pass);
  if (interrupted !== undefined) throw new Interrupted(interrupted);
  return status;
}

/**
 * Runs a whole script: an error becomes one line and exit status 1.
 * @param {() => Promise<number>} script  resolves with the exit status
 */
export async function main(script) {
  try {
    process.exitCode = await script();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    tell(`callhome: ${error.message}`);
    process.exitCode = error instanceof Interrupted ? error.status : 1;
  }
}
