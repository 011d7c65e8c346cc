import { writeJson, writeResult, writeTable } from '@callhome/shared/cli/output.js';
import { type Command, InvalidArgumentError } from 'commander';
import { fingerprintBeginning, type PendingView } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';
import { expectedCall } from './expected-call.js';
import { addLabel, type Labels } from './labels.js';

function fingerprintArgument(text: string): string {
  const { data, error } = fingerprintBeginning.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`It ${error.issues[0]?.message}.`);
  return data;
}

const fingerprintHelp = 'as `pending` shows it, or its beginning: 10 characters behind "SHA256:" or more';

function rowOf(key: PendingView): string[] {
  const said = key.said.split('\n').join('; ');
  return [
    key.fingerprint,
    key.state,
    String(key.calls),
    key.firstSeen,
    key.lastSeen,
    key.remoteAddress,
    said || '-',
  ];
}

const head = ['FINGERPRINT', 'STATE', 'CALLS', 'FIRST SEEN', 'LAST SEEN', 'ADDRESS', 'SAID'];

function summaryOf(keys: readonly PendingView[]): string {
  if (keys.length === 0) return 'Every device that has called is known.';
  const rejected = keys.filter(({ state }) => state === 'rejected').length;
  return `${keys.length - rejected} pending, ${rejected} rejected`;
}

function addForget(pending: Command): void {
  addApiOptions(pending.command('forget'))
    .summary('forget a key that called, rejected or not')
    .description(
      'Forgets a key that is pending or rejected, as if it had never called. When it calls again, it is pending.',
    )
    .argument('<fingerprint>', fingerprintHelp, fingerprintArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms pending forget SHA256:Wz0GBYnwd7`,
    )
    // What both commands know is the parent's where it stands behind `pending`.
    .action(async (fingerprint: string, _own: ApiOptions, command: Command) =>
      (await openApi(command.optsWithGlobals())).forget(fingerprint),
    );
}

/** `pending`: who has called and is not known. */
export function addPending(program: Command): void {
  const pending = addApiOptions(program.command('pending'))
    .summary('list the devices that have called and that nobody knows')
    .description(
      'Lists the host keys that were proved by a call and that no device is known by, the last seen first: fingerprint, ' +
        'state (pending, rejected), how many calls, first and last seen, address, and what the device said of itself, ' +
        'which anybody can say. Each was refused, and has been sent no credential. A table on a terminal, separated by ' +
        'tabs on a pipe.',
    )
    .option('--json', 'an array of objects')
    .addHelpText(
      'after',
      `
Compare the fingerprint with that of the device, over a way that nobody can tamper with: \`callhome-agent key\` there,
piped into \`ssh-keygen -lf -\`.

Examples:
  $ callhome-nms pending
  $ callhome-nms approve SHA256:Wz0GBYnwd7 --as router1
  $ callhome-nms reject SHA256:Wz0GBYnwd7
  $ callhome-nms pending forget SHA256:Wz0GBYnwd7
  $ callhome-nms pending --json | jq -r '.[] | select(.calls > 10).fingerprint'`,
    )
    .action(async (options: ApiOptions & { json?: true }) => {
      const keys = await (await openApi(options)).pending();
      if (options.json) {
        await writeJson(keys);
        return;
      }
      if (keys.length > 0) await writeTable(keys.map(rowOf), head);
      if (process.stdout.isTTY) await writeResult(`${summaryOf(keys)}\n`);
    });
  addForget(pending);
}

interface ApproveOptions extends ApiOptions {
  readonly as: string;
  readonly profile?: string;
  readonly label?: Labels;
  readonly description?: string;
  readonly user?: string;
}

/** `approve`: a key that has called becomes a device's. */
export function addApprove(program: Command): void {
  addApiOptions(program.command('approve'))
    .summary('let a device in that has called')
    .description(
      'Makes a key that has called a device, which is let in at its next call. A device that is known already gets the ' +
        'key in addition, and what else is said here changes it.',
    )
    .argument('<fingerprint>', fingerprintHelp, fingerprintArgument)
    .requiredOption('--as <device>', "the device's id", deviceArgument)
    .option('--profile <profile>', 'the profile whose settings it has (default: default)')
    .option('--user <name>', "whom the collector logs in as (default: the profile's)")
    .option('--label <name=value>', 'a label; may be given several times', addLabel)
    .option('--description <text>', 'a description')
    .addHelpText(
      'after',
      `
Compare the fingerprint with that of the device first: what a stranger says of itself is no proof.

Examples:
  $ callhome-nms pending
  $ callhome-nms approve SHA256:Wz0GBYnwd7 --as router1
  $ callhome-nms approve SHA256:Wz0GBYnwd7 --as router1 --profile edge --label site=berlin`,
    )
    .action(async (beginning: string, options: ApproveOptions) => {
      const { as, profile, label, description, user, ...where } = options;
      const api = await openApi(where);
      const key = await api.pendingKey(beginning);
      await api.approve(key.fingerprint, {
        device: as,
        labels: { ...label },
        ...(profile !== undefined && { profile }),
        ...(description !== undefined && { description }),
        ...(user !== undefined && { settings: { user } }),
      });
      await writeResult(`${key.fingerprint} ${key.type}\n`);
      process.stderr.write(`${as} is let in at its next call. ${expectedCall(key, Date.now())}\n`);
    });
}

/** `reject`: a key that has called is not wanted. */
export function addReject(program: Command): void {
  addApiOptions(program.command('reject'))
    .summary('mark a key that has called as not wanted')
    .description(
      'Marks a key that is pending as not wanted. It was refused before and is refused on; it stays in the list as ' +
        'rejected, and gives way to no other, until it is approved or forgotten.',
    )
    .argument('<fingerprint>', fingerprintHelp, fingerprintArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms reject SHA256:Wz0GBYnwd7`,
    )
    .action(async (fingerprint: string, options: ApiOptions) => {
      await (await openApi(options)).reject(fingerprint);
    });
}
