import { spawn } from 'node:child_process';
import { binOf, node, type Runner } from './logged-program.js';

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of ours to its end. */
export function runCommand(
  program: 'agent' | 'nms',
  args: readonly string[],
  input = '',
  [command, ...before]: Runner = node,
): Promise<CommandResult> {
  const child = spawn(command, [...before, binOf(program), ...args], { stdio: 'pipe', timeout: 90_000 });
  const outputs = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once('close', (status) => {
      const [stdout = '', stderr = ''] = outputs.map((chunks) => Buffer.concat(chunks).toString());
      resolve({ status, stdout, stderr });
    });
  });
}
