import { type Config, needSubscriber } from '@millrace/config';
import { toMillraceError } from '@millrace/errors';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { BusSide } from '../sides/bus-side.ts';
import { chooseSubscribers, knownSubscribers, reachable } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { retryBusy } from '../sides/retry-busy.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';

export const unregister: Command = {
  name: 'unregister',
  summary: 'Forget a subscriber that will not come back, so that the queue keeps nothing for it any more.',
  usage: 'NAME --yes',
  example: 'millrace unregister eu --yes',
  more:
    'Removes its record and PgQ consumer at the provider, the requested copies, its keys on the bus and, when its database\n' +
    'can be reached, what Millrace wrote there; replicated rows stay. Take it out of the configuration as well: `install`\n' +
    'and `up` register what they find there. Registered again it begins at a new tick, and its tables are copied again.',
  options: {},
  words: [1, 1],
  effect: 'changes',
  confirm: { warning: (args) => warning(args.words[0] ?? 'the subscriber'), unattended: 'refuse' },
  api: {
    words: 'subscriber',
    result: z.strictObject({
      unregistered: z.string(),
      record: z.boolean().describe('whether the provider knew it'),
      database: z.boolean().describe('whether something of Millrace was in its database'),
      keys: z.int().describe('keys removed from the bus'),
    }),
  },
  run: runUnregister,
};

/** The order: the subscriber first, so that a replay that still runs stops; then the record; then messages on the bus. */
async function runUnregister(context: Context, args: Arguments): Promise<number> {
  const name = args.words[0] ?? '';
  const config = await context.config();
  const provider = config.provider === undefined ? undefined : await ProviderSide.open(config);
  try {
    await provider?.lockChanges();
    await refuseUnknown(config, provider, name);
    const there = await atSubscriber(context, config, name);
    const record = (await provider?.unregister(name)) ?? false;
    if (record) context.note(`provider: ${name} is forgotten, and the queue keeps nothing for it any more`);
    const keys = await onBus(context, config, { name, all: provider !== undefined });
    if (!record && !there && keys === 0) context.note(`${name}: nothing to do`);
    if (record && Object.hasOwn(config.subscribers, name)) {
      context.note(`${name} is still in ${config.file}: take it out, or \`install\` and \`up\` register it again`);
    }
    context.result({ unregistered: name, record, database: there, keys }, '');
    return 0;
  } finally {
    await provider?.close();
  }
}

function warning(name: string): string {
  return `unregister forgets where ${name} stands: to follow again, it has to copy all its tables again`;
}

/** A name that was never registered is mistyped; one that was unregistered before is not. */
async function refuseUnknown(config: Config, provider: ProviderSide | undefined, name: string): Promise<void> {
  if (provider === undefined) {
    needSubscriber(config, name);
    return;
  }
  if (await provider.wasUnregistered(name)) return;
  chooseSubscribers([name], knownSubscribers(config, (await provider.overview()).subscribers));
}

/** True when something of Millrace was there. A database that cannot be reached is reported, and the command goes on. */
async function atSubscriber(context: Context, config: Config, name: string): Promise<boolean> {
  if (reachable(config, [name]).length === 0) {
    if (config.provider !== undefined) context.note(elsewhere(name, 'the configuration gives no url for its database'));
    return false;
  }
  let side: SubscriberSide;
  try {
    side = await SubscriberSide.open(config, name);
  } catch (error) {
    context.note(elsewhere(name, toMillraceError(error).message));
    return false;
  }
  try {
    const forgotten = await retryBusy(`the position of ${name}`, context.note, () => side.forget());
    if (forgotten) context.note(`subscriber ${name}: position, tables and sequences are forgotten; the rows stay`);
    return forgotten;
  } finally {
    await side.close();
  }
}

function elsewhere(name: string, why: string): string {
  return `subscriber ${name}: left unchanged (${why}); should it ever come back, run \`millrace unregister ${name} --yes\` where it can be reached, before \`install\``;
}

/** How many keys were removed. `all` is for the provider's side, whose notes they are; a subscriber's host has its report only. */
async function onBus(context: Context, config: Config, { name, all }: { name: string; all: boolean }): Promise<number> {
  try {
    const bus = await BusSide.open(config);
    if (bus === undefined) return 0;
    return await (all ? bus.forget(name) : bus.forgetReport(name)).finally(() => bus.close());
  } catch (error) {
    context.note(`bus: not cleaned (${toMillraceError(error).message}); what is left there is harmless`);
    return 0;
  }
}
