import { deleteBucket, deleteStream } from '@millrace/bus';
import { busUrl, type Config, needProvider, needSubscriberUrl } from '@millrace/config';
import { codes, type ErrorCode, MillraceError, toMillraceError } from '@millrace/errors';
import {
  isProviderInstalled,
  listQueues,
  listSets,
  listSubscribers,
  pgqState,
  uninstallProvider,
} from '@millrace/provider';
import { uninstallSubscriber } from '@millrace/subscriber';
import { bucketName, copyStreamName, streamName } from '@millrace/wire';
import type { Arguments, Command, Context } from '../command/command.ts';
import { partLine } from '../install/install-parts.ts';
import { BusSide } from '../sides/bus-side.ts';
import { reachable } from '../sides/choose-subscribers.ts';
import { Side } from '../sides/side.ts';

export const uninstall: Command = {
  name: 'uninstall',
  summary: 'Remove everything of Millrace: triggers, functions, roles, schemas, streams, buckets. Your data stays.',
  usage: '--yes [--queues]',
  example: 'millrace uninstall --yes',
  more: 'Stop the services first. Removes every set of these databases, not only the one of the configuration.',
  options: { queues: { type: 'boolean', help: 'also queues that carry no tables, with their events and consumers' } },
  words: [0, 0],
  effect: 'changes',
  confirm: {
    warning: () => 'uninstall removes triggers, schemas, roles and streams of Millrace; replication ends, data stays',
    unattended: 'refuse',
  },
  run: runUninstall,
};

async function runUninstall(context: Context, args: Arguments): Promise<number> {
  const config = await context.config();
  const faults: { code: ErrorCode; line: string }[] = [];
  const attempt = async (part: string, work: () => Promise<string>): Promise<void> => {
    try {
      context.note(`${part}: ${await work()}`);
    } catch (error) {
      const { code, sentence } = toMillraceError(error);
      faults.push({ code, line: partLine(part, sentence) });
    }
  };
  const known: Known = { queues: new Set([config.queue]), subscribers: new Set(Object.keys(config.subscribers)) };
  if (config.provider !== undefined) await attempt('provider', () => atProvider(config, known, args.has('queues')));
  // A provider that refuses goes on replicating: its subscribers must not lose their positions.
  const refused = faults.find(({ code }) => code !== codes.DATABASE_UNREACHABLE);
  if (refused !== undefined) throw new MillraceError(refused.code, `${refused.line}; nothing was removed`);
  const here = reachable(config, [...known.subscribers]);
  for (const name of here) await attempt(`subscriber ${name}`, () => atSubscriber(config, name));
  const elsewhere = [...known.subscribers].filter((name) => !here.includes(name));
  for (const name of elsewhere) context.note(leftAlone(name));
  if (busUrl(config) !== undefined) {
    await attempt('bus', () => (config.provider === undefined ? leaveBus(config) : onBus(config, known.queues)));
  }
  const [first] = faults;
  if (first !== undefined) throw new MillraceError(first.code, faults.map(({ line }) => line).join('\n'));
  context.result({ uninstalled: true, queues: [...known.queues], left: elsewhere }, '');
  return 0;
}

/** What the provider's schema listed before it was removed, and the configuration. */
interface Known {
  readonly queues: Set<string>;
  readonly subscribers: Set<string>;
}

function leftAlone(name: string): string {
  return `subscriber ${name}: left unchanged, the configuration gives no url for its database; run \`millrace uninstall --yes\` where it can be reached`;
}

/** Schema pgq would take its queues along, and with them events and triggers of applications that we know nothing of. */
async function keepQueues({ client }: Side): Promise<void> {
  const state = await pgqState(client);
  const queues = state.pgq === 'ours' ? await listQueues(client, null, state) : [];
  const plain = queues.filter(({ isSet }) => !isSet).map(({ name }) => name);
  if (plain.length === 0) return;
  throw new MillraceError(codes.DATABASE_REFUSED, `it has queues that carry no tables: ${plain.join(', ')}`, {
    advice: 'drop them with `millrace queue drop`, or say `millrace uninstall --yes --queues`',
  });
}

async function atProvider(config: Config, known: Known, withQueues: boolean): Promise<string> {
  const side = await Side.open(needProvider(config).url, 'the provider');
  try {
    if (!(await side.run(() => isProviderInstalled(side.client)))) return 'nothing to do';
    if (!withQueues) await side.run(() => keepQueues(side));
    for (const { queue } of await side.run(() => listSets(side.client))) {
      known.queues.add(queue);
      for (const { name } of await side.run(() => listSubscribers(side.client, queue))) known.subscribers.add(name);
    }
    await side.run(() => uninstallProvider(side.client));
    return 'removed';
  } finally {
    await side.close();
  }
}

async function atSubscriber(config: Config, name: string): Promise<string> {
  const side = await Side.open(needSubscriberUrl(config, name), `subscriber ${name}`);
  try {
    await side.run(() => uninstallSubscriber(side.client));
    return 'removed';
  } finally {
    await side.close();
  }
}

/** On a subscriber's host the streams belong to others as well: only the reports of its own subscribers are removed. */
async function leaveBus(config: Config): Promise<string> {
  const side = await BusSide.open(config);
  if (side === undefined) return 'none';
  try {
    const names = Object.keys(config.subscribers);
    for (const name of names) await side.forgetReport(name);
    return `forgot the reports of ${names.join(', ')}; the streams stay, they are removed on the provider's side`;
  } finally {
    await side.close();
  }
}

async function onBus(config: Config, queues: ReadonlySet<string>): Promise<string> {
  const side = await BusSide.open(config).catch((error: unknown) => {
    const { code, message } = toMillraceError(error);
    const streams = [...queues].flatMap((queue) => [
      streamName(queue),
      copyStreamName(queue),
      `KV_${bucketName(queue)}`,
    ]);
    throw new MillraceError(code, `${message}; left there: the streams ${streams.join(', ')}`, { cause: error });
  });
  if (side === undefined) return 'none';
  try {
    for (const queue of queues) {
      await deleteStream(side.bus, streamName(queue));
      await deleteStream(side.bus, copyStreamName(queue));
      await deleteBucket(side.bus, bucketName(queue));
    }
    return `removed the streams and the bucket of ${[...queues].join(', ')}`;
  } finally {
    await side.close();
  }
}
