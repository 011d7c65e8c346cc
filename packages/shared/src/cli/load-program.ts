import { requireDescriptors } from '../descriptors.js';
import { reasonOf } from '../errors.js';

/** Loads a program where it can run at all: the loader alone has many files open at once. So this loads little itself. */
export async function loadProgram(name: string, load: () => Promise<unknown>): Promise<void> {
  try {
    requireDescriptors();
  } catch (error) {
    process.stderr.write(`${name}: ${reasonOf(error)}\n`);
    process.exitCode = 1;
    return;
  }
  await load();
}
