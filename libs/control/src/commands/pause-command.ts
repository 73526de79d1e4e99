import { setTimeout as delay } from 'node:timers/promises';
import { needSubscriber } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import type { Command, Context } from '../command/command.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';

const confirmMs = 3_000;
/** A replay that reported longer ago does not run and will not confirm. */
const freshMs = 15_000;

/** `confirmed`: its replay reported the new state within 3 s; otherwise only the request is recorded. */
const result = z.strictObject({ subscriber: z.string(), paused: z.boolean(), confirmed: z.boolean() });

/** What `pause` and `resume` share. */
export function pauseCommand(name: 'pause' | 'resume', summary: string): Command {
  return {
    name,
    summary,
    usage: 'NAME',
    example: `millrace ${name} eu`,
    options: {},
    words: [1, 1],
    effect: 'changes',
    api: { words: 'subscriber', result },
    // Throws USAGE for a subscriber that the configuration does not name: its database could not be found.
    check: async ({ words }, context) => {
      chooseSubscribers(words, knownSubscribers(await context.config()));
    },
    run: (context, args) => setPaused(context, args.words[0] ?? '', name === 'pause'),
  };
}

/** Records the desired state, then waits up to 3 s until the replay reports it. */
async function setPaused(context: Context, name: string, paused: boolean): Promise<number> {
  const config = await context.config();
  if (needSubscriber(config, name).url === undefined) {
    throw new MillraceError(codes.CONFIG, `subscriber ${name}: the configuration gives no url for it`, {
      advice: 'pause and resume it where its database can be reached',
    });
  }
  const side = await SubscriberSide.open(config, name);
  try {
    const before = (await side.overview()).paused;
    await side.setPaused(paused);
    if (before !== paused) await side.audit(paused ? 'pause' : 'resume', { subscriber: name });
    const confirmed = await isConfirmed(side, paused);
    const state = paused ? 'paused' : 'running';
    context.note(confirmed ? `${name}: ${state}` : `${name}: noted; its replay has not confirmed yet`);
    context.result({ subscriber: name, paused, confirmed }, '');
    return 0;
  } finally {
    await side.close();
  }
}

async function isConfirmed(side: SubscriberSide, paused: boolean): Promise<boolean> {
  const deadline = performance.now() + confirmMs;
  while (true) {
    const { replay } = await side.overview();
    if (replay === null || replay.ageMs > freshMs) return false;
    if (paused ? replay.state === 'paused' : replay.state !== 'paused') return true;
    if (performance.now() > deadline) return false;
    await delay(25);
  }
}
