import { addCheck } from '@callhome/shared/cli/check-command.js';
import { createProgram, runProgram } from '@callhome/shared/cli/run-program.js';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { addReconnect, addReload } from './ask.js';
import { addConvert } from './convert.js';
import { addInit } from './init.js';
import { addKey } from './key.js';
import { addRun } from './run.js';
import { addStatus } from './status.js';

const program = createProgram(
  'callhome-agent',
  "The device's end of NETCONF Call Home (RFC 8071): dials the management system, and serves NETCONF to it.",
).addHelpText(
  'after',
  `
Examples:
  $ callhome-agent init --nms nms.example.net --nms-key collector.pub
  $ callhome-agent key
  $ callhome-agent run

Exit status: 0 done; 1 failed; 2 wrong usage.`,
);

addInit(program);
addRun(program);
addKey(program);
addCheck(program, 'agent.json', loadAgentConfig);
addConvert(program);
addStatus(program);
addReconnect(program);
addReload(program);

await runProgram(program);
