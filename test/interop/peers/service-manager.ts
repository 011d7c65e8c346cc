import path from 'node:path';
import { createFolder, removeFolder } from '../../programs/folder.js';
import { startProgram } from '../../programs/program.js';

/** What a program under systemd tells it, as it arrives: a datagram is a line or more, each an assignment. */
export interface ServiceManager {
  /** `$NOTIFY_SOCKET`. */
  readonly socket: string;
  /** Waits for an assignment, or the nth. */
  told(assignment: string, nth?: number): Promise<void>;
  /** All so far. */
  all(): readonly string[];
  stop(): Promise<void>;
}

/** Takes the notifications as systemd does. */
export async function startServiceManager(): Promise<ServiceManager> {
  const folder = await createFolder('notify');
  const socket = path.join(folder, 'notify');
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const script = path.join(import.meta.dirname, 'service_manager.py');
  const running = await startProgram('/usr/bin/python3', [script, socket], {
    onLine(line) {
      lines.push(line);
      for (const look of waiting) look();
    },
  });
  const told = (assignment: string, nth = 1): Promise<void> =>
    running.expect(
      assignment,
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.filter((line) => line === assignment).length < nth) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    );
  await told('listening');
  return {
    socket,
    told,
    all: () => lines,
    async stop() {
      await running.stop();
      await removeFolder(folder);
    },
  };
}
