import { type DestinationStream, type Logger, pino } from 'pino';
import { CallhomeError, quote } from './errors.js';
import { inertJson } from './inert.js';
import { logOutput } from './log-output.js';

export type Log = Logger;

/** Members that are never written, at the top of a log line or one level down. */
const secrets = ['password', 'token', 'secret', 'privateKey', 'authorization'];

const levels = [...Object.keys(pino.levels.values), 'silent'];

/**
 * A logger of JSON lines on standard error: standard output is for results. Text from peers, which may be in any member,
 * does nothing to a terminal.
 * The level comes from $CALLHOME_LOG_LEVEL (a pino level, default `info`).
 * @throws CALLHOME_USAGE when it is none
 */
export function createLog(name: string, destination?: DestinationStream): Log {
  const level = process.env['CALLHOME_LOG_LEVEL'] ?? 'info';
  if (!levels.includes(level)) {
    const problem = `$CALLHOME_LOG_LEVEL is ${quote(level)}: it must be one of ${levels.join(', ')}`;
    throw new CallhomeError('CALLHOME_USAGE', { problem });
  }
  const output =
    destination ?? logOutput((lost, reason) => log.warn({ lost, reason }, 'lines of the log were lost'));
  const log = pino(
    {
      name,
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secrets.flatMap((secret) => [secret, `*.${secret}`]), censor: '[redacted]' },
    },
    { write: (line) => output.write(`${inertJson(line.trimEnd())}\n`) },
  );
  return log;
}
