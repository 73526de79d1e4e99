// What the commands that change one consumer of a queue share.
import type { z } from 'zod';
import type { Arguments, Command, Context } from '../../command/command.ts';
import {
  atQueues,
  auditedAtQueue,
  databaseOption,
  lockQueue,
  needQueue,
  type QueueSide,
  refuseOwnConsumer,
} from '../../queues/at-queues.ts';

/** A consumer in a database whose queue is there and locked against other commands. */
export interface ConsumerWork extends QueueSide {
  readonly queue: string;
  readonly consumer: string;
}

/** One of these commands; its words are QUEUE NAME. */
export interface ConsumerChange<Result>
  extends Pick<Command, 'name' | 'summary' | 'usage' | 'example' | 'more' | 'confirm'> {
  readonly options?: Command['options'];
  /** Throws USAGE for wrong arguments. */
  readonly check?: (args: Arguments) => void;
  readonly result: z.ZodType<Result>;
  readonly change: (work: ConsumerWork, args: Arguments, context: Context) => Promise<ConsumerOutcome<Result>>;
}

export interface ConsumerOutcome<Result> {
  readonly document: Result;
  readonly text: string;
}

export function consumerCommand<Result>(plan: ConsumerChange<Result>): Command {
  const { options, check, result, change, ...rest } = plan;
  return {
    ...rest,
    options: { ...options, ...databaseOption },
    words: [2, 2],
    effect: 'changes',
    check: (args) => {
      refuseOwnConsumer(args.words[1] ?? '');
      check?.(args);
    },
    audited: auditedAtQueue,
    api: { words: ['queue', 'consumer'], result },
    run: (context, args) =>
      atQueues(context, args, async (at) => {
        const [queue = '', consumer = ''] = args.words;
        await needQueue(at, queue);
        await lockQueue(at, queue);
        const { document, text } = await change({ ...at, queue, consumer }, args, context);
        context.result(document, text);
        return 0;
      }),
  };
}
