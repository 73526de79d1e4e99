import { needProvider, needQueueDatabase, needSubscriberUrl, queueDatabases } from '@millrace/config';
import type { Arguments, Command, Context } from '@millrace/control';
import { chooseSubscribers } from '@millrace/control/sides';
import { codes, MillraceError } from '@millrace/errors';
import { nodeOptions, serviceProgram } from '@millrace/host';

export const run: Command = {
  name: 'run',
  summary: 'Run one service in the foreground, for a service manager.',
  usage: 'ticker|capture|replay NAME|admin [--http HOST:PORT]',
  example: 'millrace run replay eu',
  more: 'SIGTERM and SIGINT end it cleanly. Two instances of one service are safe: one leads, the other is on standby.',
  options: { http: { type: 'string', value: 'HOST:PORT', help: 'where its health endpoint listens' } },
  words: [1, 2],
  effect: 'serves',
  run: runRun,
};

const kinds = ['ticker', 'capture', 'replay', 'admin'] as const;

async function runRun(context: Context, args: Arguments): Promise<number> {
  const [word, name] = args.words;
  const kind = kinds.find((one) => one === word);
  if (kind === undefined) throw usage(`unknown service ${JSON.stringify(word)}`);
  if (kind === 'replay' && name === undefined) throw usage('replay needs the name of a subscriber');
  if (kind !== 'replay' && name !== undefined) throw usage(`${kind} takes no name`);
  const config = await context.config();
  if (kind === 'capture') needProvider(config);
  if (kind === 'ticker' && queueDatabases(config).length === 0) needQueueDatabase(config);
  if (name !== undefined) {
    chooseSubscribers([name], Object.keys(config.subscribers));
    needSubscriberUrl(config, name);
  }
  const http = args.value('http');
  execute([
    serviceProgram(kind),
    '--config',
    config.file,
    ...(name === undefined ? [] : ['--name', name]),
    ...(http === undefined ? [] : ['--http', http]),
  ]);
  return 1;
}

/** Replaces this program by that one: the same process, so that signals and the exit code are the service's own. */
function execute(args: readonly string[]): void {
  if (process.execve === undefined)
    throw new MillraceError(codes.PROGRAM, 'this system cannot replace a process; start the service itself');
  process.execve(process.execPath, [process.execPath, ...nodeOptions, ...args], process.env as Record<string, string>);
}

function usage(what: string): MillraceError {
  return new MillraceError(codes.USAGE, `run: ${what}`, { advice: `usage: millrace run ${run.usage}` });
}
