import { needQueueDatabase, type QueueDatabase, queueDatabases } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { listenForEnd } from '@millrace/lifecycle/ending';
import { pause } from '@millrace/lifecycle/pause';
import type { Arguments, Command, Context } from '../../command/command.ts';
import { parseDuration } from '../../command/duration.ts';
import { boundedNumber, databaseOption } from '../../queues/at-queues.ts';
import { Flow } from '../../queues/flow.ts';
import { readAll } from '../../queues/read-queues.ts';
import { showConsumers, showQueues } from '../../queues/show-queues.ts';

const minIntervalMs = 100;

export const queueTop: Command = {
  name: 'queue top',
  summary: 'Watch queues and consumers: lag, pending events, events per second.',
  usage: '[--database NAME] [--every 1s] [--count N]',
  example: 'millrace queue top',
  more: 'All databases of the configuration, or the one. On a terminal the display is redrawn each time; Ctrl-C ends it.',
  options: {
    every: { type: 'string', value: 'DURATION', help: 'refresh interval; default: 1s' },
    count: { type: 'number', value: 'N', help: 'end after N refreshes' },
    ...databaseOption,
  },
  words: [0, 0],
  effect: 'serves',
  run: runTop,
};

async function runTop(context: Context, args: Arguments): Promise<number> {
  const everyMs = parseDuration(args.value('every') ?? '1s', '--every');
  if (everyMs < minIntervalMs) throw new MillraceError(codes.USAGE, `--every must be at least ${minIntervalMs}ms`);
  const maxRounds = args.has('count') ? boundedNumber(args, 'count', [1, 1, 1e9]) : Number.POSITIVE_INFINITY;
  const databases = await databasesOf(context, args);
  const ending = listenForEnd();
  const flow = new Flow();
  for (let round = 1; ; round += 1) {
    const { queues, unreachable } = await readAll(databases);
    const { queueRate, consumerRate } = flow.add(queues, performance.now());
    const text = [
      showQueues(queues, { rate: queueRate }),
      '',
      showConsumers(
        queues.flatMap(({ consumers }) => consumers),
        { rate: consumerRate },
      ),
      ...unreachable.map(({ message }) => `\n${message}`),
    ].join('\n');
    if (!context.json) clearTerminal();
    context.result({ queues, unreachable }, withTime(text));
    if (round >= maxRounds || ending.signal.aborted) return 0;
    await pause(everyMs, { signal: ending.signal });
    if (ending.signal.aborted) return 0;
  }
}

async function databasesOf(context: Context, args: Arguments): Promise<QueueDatabase[]> {
  const config = await context.config();
  const all = queueDatabases(config);
  return args.has('database') || all.length === 0 ? [needQueueDatabase(config, args.value('database'))] : all;
}

/** On a terminal a text stands in place of the last one. */
function clearTerminal(): void {
  if (process.stdout.isTTY === true) process.stdout.write('\u001b[H\u001b[2J');
}

function withTime(text: string): string {
  return process.stdout.isTTY === true ? `${new Date().toLocaleTimeString()}\n\n${text}` : `${text}\n`;
}
