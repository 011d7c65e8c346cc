import { addRunningStateOption } from '@callhome/shared/cli/options.js';
import { writeJson, writeTable } from '@callhome/shared/cli/output.js';
import type { Command } from 'commander';
import { type ApplicationStatus, applicationStatuses } from '../application/status.js';
import { askRunningAgent } from '../control/client.js';

function rowOf(status: ApplicationStatus): string[] {
  const connected = status.state === 'connected';
  return [
    status.application,
    status.state,
    `${status.endpoint} (${status.address} port ${status.port})`,
    connected ? '-' : `${status.attempt} of ${status.maxAttempts}`,
    (connected ? status.connectedSince : status.nextAttempt) ?? '-',
    String(status.sessions),
    connected
      ? '-'
      : status.lastError
        ? `${status.lastError.code ?? ''} ${status.lastError.message}`.trim()
        : '-',
  ];
}

/** `status`: what the agent is doing. */
export function addStatus(program: Command): void {
  addRunningStateOption(program.command('status'))
    .summary('show what the running agent does')
    .description(
      'Shows each application of the running agent: its state (waiting, dialling, authenticating, connected), the endpoint,\n' +
        'the attempt, since when it is connected or when the next attempt is, the NETCONF sessions that are open, and why\n' +
        'it is not connected. A table on a terminal, separated by tabs on a pipe.',
    )
    .option('--json', 'an array of objects, with all that is known')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-agent status
  $ callhome-agent status --state-dir /var/lib/callhome
  $ callhome-agent status --json | jq -r '.[] | select(.state != "connected") | .lastError.code'`,
    )
    .action(async ({ json, stateDir }: { json?: true; stateDir?: string }) => {
      const answer = await askRunningAgent(stateDir, { command: 'status' });
      const statuses = applicationStatuses.parse(answer);
      if (json) await writeJson(statuses);
      else
        await writeTable(statuses.map(rowOf), [
          'APPLICATION',
          'STATE',
          'ENDPOINT',
          'ATTEMPT',
          'SINCE/NEXT',
          'SESSIONS',
          'LAST ERROR',
        ]);
    });
}
