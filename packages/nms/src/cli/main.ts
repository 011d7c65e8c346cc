import { addCheck } from '@callhome/shared/cli/check-command.js';
import { createProgram, runProgram } from '@callhome/shared/cli/run-program.js';
import { loadNmsConfig } from '@callhome/shared/config/nms-config.js';
import { addDevice } from './device.js';
import { addDevices } from './devices.js';
import { exitStatusOf } from './exit-status.js';
import { addExport } from './export.js';
import { addGetConfig } from './get-config.js';
import { addImport } from './import.js';
import { addInit } from './init.js';
import { addKey } from './key.js';
import { addNetconf } from './netconf.js';
import { addApprove, addPending, addReject } from './pending.js';
import { addProfile } from './profile.js';
import { addRpc } from './rpc.js';
import { addServe } from './serve.js';
import { addStatus } from './status.js';

const program = createProgram(
  'callhome-nms',
  'The NMS end of NETCONF Call Home (RFC 8071): devices call here, and are reached from here.',
).addHelpText(
  'after',
  `
Examples:
  $ callhome-nms init && callhome-nms serve
  $ callhome-nms device add router1 --host-key router1.pub
  $ callhome-nms pending
  $ echo '<get/>' | callhome-nms rpc router1

Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such device, or it is not connected; 4 the device answered with an <rpc-error>.`,
);

addInit(program);
addServe(program);
addKey(program);
addCheck(program, 'nms.json', loadNmsConfig);
addStatus(program);
addDevices(program);
addDevice(program);
addProfile(program);
addPending(program);
addApprove(program);
addReject(program);
addImport(program);
addExport(program);
addRpc(program);
addGetConfig(program);
addNetconf(program);

await runProgram(program, exitStatusOf);
