#!/usr/bin/env node
// A committed shim: npm links no bin that does not exist when it installs.
import { loadProgram } from '@callhome/shared/cli/load-program.js';

await loadProgram('callhome-nms', () => import('../dist/cli/main.js'));
