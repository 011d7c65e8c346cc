import { exitStatus as common, exitStatusOf as commonStatusOf } from '@callhome/shared/cli/run-program.js';
import { CallhomeError, isCallhomeError } from '@callhome/shared/errors.js';

/** What an exit status means. */
export const exitStatus = { ...common, noDevice: 3, rpcError: 4 } as const;

const byCode: Readonly<Record<string, number>> = {
  CALLHOME_REQUEST_INVALID: exitStatus.usage,
  CALLHOME_OPERATION_INVALID: exitStatus.usage,
  CALLHOME_FINGERPRINT_AMBIGUOUS: exitStatus.usage,
  CALLHOME_KEY_NOT_PENDING: exitStatus.noDevice,
  CALLHOME_DEVICE_UNKNOWN: exitStatus.noDevice,
  CALLHOME_DEVICE_NOT_CONNECTED: exitStatus.noDevice,
};

/** The exit status of a command that threw. */
export function exitStatusOf(error: unknown): number {
  if (!(error instanceof CallhomeError)) return commonStatusOf(error);
  // What the collector refused counts by the collector's code.
  const code = isCallhomeError(error, 'CALLHOME_API_REFUSED') ? error.facts.code : error.code;
  return byCode[code] ?? commonStatusOf(error);
}
