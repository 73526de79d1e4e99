import type { Position } from '@millrace/model';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { parseDuration } from '../command/duration.ts';
import { subscriberOption } from '../command/options.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { serviceTroubles } from '../status/status.ts';
import { waitFor } from '../status/wait-for.ts';

export const wait: Command = {
  name: 'wait',
  summary: 'Wait until the subscribers have applied everything committed up to now and every table is ok.',
  usage: '[--timeout 60s] [--subscriber NAME…]',
  example: 'millrace wait --timeout 2m --subscriber eu',
  more: 'Exit code 1 at the timeout, saying who is behind and why. Durations: 500ms, 60s, 2m.',
  options: {
    timeout: { type: 'string', value: 'TIME', help: 'how long at most; default: 60s' },
    ...subscriberOption,
  },
  words: [0, 0],
  effect: 'reads',
  api: {
    method: 'POST',
    result: z.strictObject({ tick: z.int(), subscribers: z.array(z.string()), waited_ms: z.int() }),
  },
  run: async (context, args) => {
    const timeoutMs = parseDuration(args.value('timeout') ?? '60s', '--timeout');
    const config = await context.config();
    const provider = await ProviderSide.open(config);
    try {
      const { subscribers, copies } = await provider.overview();
      const names = chooseSubscribers(args.values('subscriber'), knownSubscribers(config, subscribers));
      const { tick } = await provider.forceTick();
      // The ticker checks at intervals only; a change that was committed before the call and not captured must be reported.
      await provider.refreshTriggers();
      // A position behind the goal may be of a tick that is not kept any more: only one that is there counts.
      const isOurs = async (at: Position): Promise<boolean> => at.tick < tick || provider.madeTick(at);
      const troubles = async () => serviceTroubles(await provider.overview());
      const problems = async () =>
        (await provider.overview()).tables.flatMap((t) => (t.problem === null ? [] : [{ ...t, problem: t.problem }]));
      const waited = await waitFor(config, { names, tick, timeoutMs, copies, isOurs, problems, troubles });
      context.result({ tick, subscribers: names, waited_ms: waited }, '');
      return 0;
    } finally {
      await provider.close();
    }
  },
};
