import { LogFile, readableLine } from '@millrace/host';
import { printableLine, redactText } from '@millrace/telemetry';
import { inOldWords } from './old-words.ts';

type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

const order: readonly Level[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];
const ofService: Readonly<Record<string, Level>> = {
  debug: 'DEBUG',
  trace: 'DEBUG',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'ERROR',
};

export interface LogOptions {
  readonly file: string | undefined;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** Also to stderr: a daemon in the background has no terminal. */
  readonly toTerminal: boolean;
}

/** Lines as skytools wrote them, `TIME PID LEVEL text`, into the job's log file and to the terminal. */
export class ClassicLog {
  readonly #file: LogFile | undefined;
  readonly #minLevel: Level;
  readonly #toTerminal: boolean;

  constructor({ file, verbose, quiet, toTerminal }: LogOptions) {
    this.#file = file === undefined ? undefined : new LogFile(file);
    this.#minLevel = verbose ? 'DEBUG' : quiet ? 'WARNING' : 'INFO';
    this.#toTerminal = toTerminal;
  }

  readonly info = (text: string): void => this.#write('INFO', text);
  readonly warn = (text: string): void => this.#write('WARNING', text);
  readonly error = (text: string): void => this.#write('ERROR', text);

  /** A line that one of the services wrote, JSON or not. */
  readonly service = (name: string, line: string): void => {
    const level = /^\{"level":"(\w+)"/.exec(line)?.[1] ?? 'info';
    this.#write(ofService[level] ?? 'INFO', `${name}: ${readableLine(line).replace(/^\w+: /, '')}`);
  };

  /** A line of the supervisor: `[replay:eu] warn: …`, or one of its own. */
  readonly supervisor = (line: string): void => {
    const level = /^\[[^\]]+\] (\w+): /.exec(line)?.[1] ?? '';
    this.#write(ofService[level] ?? 'INFO', line.replace(`] ${level}: `, '] '));
  };

  #write(level: Level, text: string): void {
    if (order.indexOf(level) < order.indexOf(this.#minLevel)) return;
    const line = `${timeNow()} ${process.pid} ${level} ${printableLine(redactText(inOldWords(text.replaceAll('\n', '; '))))}`;
    this.#file?.write(line);
    if (this.#toTerminal) process.stderr.write(`${line}\n`);
  }
}

/** Local time as Python's logging has it: 2006-01-02 15:04:05,678. */
function timeNow(now = new Date()): string {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return local.slice(0, 23).replace('T', ' ').replace('.', ',');
}
