// One logger per process: JSON lines on stderr, secrets taken out of every line, and what a terminal would obey escaped.
// Must hold: a row value never gets here; callers log names, counts, ticks and codes only.
import { type Logger as PinoLogger, pino } from 'pino';
import { errorFields } from './error-fields.ts';
import { printableJson } from './printable.ts';
import { redactText } from './redact.ts';

/** The logger all packages use: `log.info({ tick, lines }, 'published batch')`. An error goes under the key `err`. */
export type Logger = Pick<
  PinoLogger,
  'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child' | 'isLevelEnabled'
>;

/** Who this process is; stands on every line and in every trace and metric. */
export interface Identity {
  readonly service: string;
  readonly queue?: string;
  readonly subscriber?: string;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

let root: Logger | undefined;

/** Makes a logger that hands finished, redacted lines to `write` (default: stderr). Level: MILLRACE_LOG_LEVEL, default info. */
export function createLogger(identity: Identity, write: (line: string) => void = toStderr): Logger {
  const wanted = process.env['MILLRACE_LOG_LEVEL']?.toLowerCase() ?? 'info';
  const { service, queue, subscriber } = identity;
  return pino(
    {
      level: levels.includes(wanted) ? wanted : 'info',
      base: {
        service,
        ...(queue !== undefined && { queue }),
        ...(subscriber !== undefined && { subscriber }),
        pid: process.pid,
      },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => errorFields(error), error: (error: unknown) => errorFields(error) },
    },
    { write: (line: string) => write(printableJson(redactText(line))) },
  );
}

/** Makes `logger` the one that `logger(component)` hands out from now on. Called by startTelemetry. */
export function setRootLogger(logger: Logger): void {
  root = logger;
}

/** The process's logger, with `component` on each line. Call it when needed, not at module load. */
export function logger(component?: string): Logger {
  root ??= createLogger({ service: 'millrace' });
  return component === undefined ? root : root.child({ component });
}

function toStderr(line: string): void {
  if (!process.stderr.destroyed) process.stderr.write(line);
}
