import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { matchesCryptHash } from './crypt-hash.js';

// The thread of password-verifier.ts.

const { password, cryptHash } = z.object({ password: z.string(), cryptHash: z.string() }).parse(workerData);
parentPort?.postMessage(matchesCryptHash(password, cryptHash));
