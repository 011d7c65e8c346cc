#!/usr/bin/env node
// A committed shim: npm links no bin that does not exist when it installs.
import '../dist/cli/main.js';
