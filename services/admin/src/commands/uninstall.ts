import { setTimeout as delay } from 'node:timers/promises';
import { deleteBucket, deleteStream } from '@millrace/bus';
import { busUrl, type Config, needProvider, needSubscriberUrl } from '@millrace/config';
import { codes, type ErrorCode, MillraceError, toMillraceError } from '@millrace/errors';
import { isProviderInstalled, listSets, uninstallProvider } from '@millrace/provider';
import { uninstallSubscriber } from '@millrace/subscriber';
import { bucketName, copyStreamName, streamName } from '@millrace/wire';
import { reachable } from '../choose-subscribers.ts';
import type { Command, Context } from '../command.ts';
import { partLine } from '../part-line.ts';
import { BusSide } from '../sides/bus-side.ts';
import { Side } from '../sides/side.ts';

export const uninstall: Command = {
  name: 'uninstall',
  summary: 'Remove all that is ours: triggers, functions, roles, schemas, streams, buckets. Your data stays.',
  usage: '--yes',
  example: 'millrace uninstall --yes',
  more: 'Refused while services run. Removes every queue of these databases, not only the one of the configuration.',
  options: {},
  words: [0, 0],
  effect: 'changes',
  confirm: {
    warning: () => 'uninstall removes triggers, schemas, roles and streams of Millrace; replication ends, data stays',
    unattended: 'refuse',
  },
  run: runUninstall,
};

async function runUninstall(context: Context): Promise<number> {
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
  await refuseRunning(config);
  const queues = new Set([config.queue]);
  if (config.provider !== undefined) await attempt('provider', () => atProvider(config, queues));
  for (const name of reachable(config, Object.keys(config.subscribers))) {
    await attempt(`subscriber ${name}`, () => atSubscriber(config, name));
  }
  if (busUrl(config) !== undefined) await attempt('bus', () => onBus(config, queues));
  const [first] = faults;
  if (first !== undefined) throw new MillraceError(first.code, faults.map(({ line }) => line).join('\n'));
  context.result({ uninstalled: true, queues: [...queues] }, '');
  return 0;
}

/** A service that was just told to stop has so long to end its sessions, ms. */
const patienceMs = 5_000;

/** What services are running would hold locks and make again what is removed. Databases out of reach are told later. */
async function refuseRunning(config: Config): Promise<void> {
  const urls = Object.entries(config.subscribers).map(([name, { url }]) => [`subscriber ${name}`, url] as const);
  for (const [label, url] of [['the provider', config.provider?.url] as const, ...urls]) {
    const side = url === undefined ? undefined : await Side.open(url, label).catch(() => undefined);
    if (side === undefined) continue;
    const end = performance.now() + patienceMs;
    try {
      let names = await running(side);
      while (names.length > 0 && performance.now() < end) {
        await delay(100);
        names = await running(side);
      }
      if (names.length > 0) throw stillRunning(label, names);
    } finally {
      await side.close();
    }
  }
}

async function running(side: Side): Promise<string[]> {
  return (await side.run<{ name: string }>('running_services')).map(({ name }) => name);
}

function stillRunning(label: string, names: readonly string[]): MillraceError {
  const text = `${label}: services are running (${names.join(', ')}), nothing was removed`;
  return new MillraceError(codes.DATABASE_BUSY, text, { advice: 'stop them, or `millrace up`, then repeat' });
}

async function atProvider(config: Config, queues: Set<string>): Promise<string> {
  const side = await Side.open(needProvider(config).url, 'the provider');
  try {
    if (!(await side.asked(() => isProviderInstalled(side.client)))) return 'nothing to do';
    for (const { queue } of await side.asked(() => listSets(side.client))) queues.add(queue);
    await side.asked(() => uninstallProvider(side.client));
    return 'removed';
  } finally {
    await side.close();
  }
}

async function atSubscriber(config: Config, name: string): Promise<string> {
  const side = await Side.open(needSubscriberUrl(config, name), `subscriber ${name}`);
  try {
    await side.asked(() => uninstallSubscriber(side.client));
    return 'removed';
  } finally {
    await side.close();
  }
}

async function onBus(config: Config, queues: ReadonlySet<string>): Promise<string> {
  const side = await BusSide.open(config);
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
