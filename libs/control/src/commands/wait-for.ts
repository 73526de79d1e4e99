import { codes, MillraceError } from '@millrace/errors';
import { waitForToken } from '@millrace/subscriber';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { parseDuration } from '../command/duration.ts';
import { subscriberOption } from '../command/options.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';

export const waitForCommand: Command = {
  name: 'wait-for',
  summary: 'Wait until subscribers have applied what a token stands for.',
  usage: 'TOKEN [--timeout 10s] [--subscriber NAME…]',
  example: 'millrace wait-for mr1.eyJsIjogMX0 --subscriber eu',
  more: 'Needs the subscribers’ databases only. Exit code 1 at the timeout, saying who is behind. In SQL: SELECT millrace.wait_for(TOKEN, TIMEOUT).',
  options: {
    timeout: { type: 'string', value: 'TIME', help: 'how long at most; default: 10s' },
    ...subscriberOption,
  },
  words: [1, 1],
  effect: 'reads',
  api: { words: 'token', result: z.strictObject({ subscribers: z.array(z.string()) }), guarded: true, waits: true },
  run: async (context, args) => {
    const wantedMs = parseDuration(args.value('timeout') ?? '10s', '--timeout');
    const timeoutMs = Math.min(wantedMs, context.maxWaitMs ?? wantedMs);
    const config = await context.config();
    const names = chooseSubscribers(args.values('subscriber'), knownSubscribers(config));
    const text = args.words[0] ?? '';
    const lacks = await Promise.all(
      names.map(async (name) => {
        const at = await SubscriberSide.open(config, name);
        const lack = await at.side.run(() => waitForToken(at.side.client, text, timeoutMs)).finally(() => at.close());
        return lack === undefined ? [] : [`subscriber ${name}: ${lack}`];
      }),
    );
    if (lacks.flat().length > 0) throw new MillraceError(codes.TIMEOUT, lacks.flat().join('\n'));
    context.result({ subscribers: names }, '');
    return 0;
  },
};
