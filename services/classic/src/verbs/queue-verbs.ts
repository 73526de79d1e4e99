import { unregister } from '@millrace/control/commands';
import { parseSetting } from '@millrace/control/queues';
import { Side } from '@millrace/control/sides';
import { codes, MillraceError } from '@millrace/errors';
import {
  consumerStatus,
  createQueue,
  dropQueue,
  dropSet,
  hasConsumers,
  installProvider,
  isProviderInstalled,
  listSets,
  lockChanges,
  queueStatus,
  readVersions,
  registerConsumer,
  setQueueParameter,
  unregisterConsumer,
  wasQueueDropped,
} from '@millrace/provider';
import type { Job, Verb } from '../program/tool.ts';
import { recordedBus } from '../settings/recorded-bus.ts';
import { configOf } from '../settings/service-config.ts';
import type { TickerSettings } from '../settings/settings.ts';
import { showConfig, showConsumers, showQueues } from './queue-lists.ts';
import { runMillrace } from './replica.ts';

type QueueJob = Job<TickerSettings>;

const many = Number.POSITIVE_INFINITY;

export const queueVerbs: Readonly<Record<string, Verb<TickerSettings>>> = {
  install: {
    usage: 'install',
    changes: true,
    summary: 'make the schemas of the queue',
    words: [0, 0],
    run: (job) => withDatabase(job, async () => job.log.info('the schemas pgq and millrace are installed')),
  },
  create: {
    usage: 'create QUEUE',
    changes: true,
    summary: 'make a queue',
    words: [1, 1],
    run: (job) => withDatabase(job, (side) => create(job, side)),
  },
  drop: {
    usage: 'drop QUEUE [--force]',
    changes: true,
    summary: 'remove a queue; with --force also its consumers',
    words: [1, 1],
    run: (job) => withDatabase(job, (side) => drop(job, side)),
  },
  register: {
    usage: 'register QUEUE CONSUMER',
    changes: true,
    summary: 'keep all events of the queue for a consumer from now on',
    words: [2, 2],
    run: (job) => withDatabase(job, (side) => register(job, side)),
  },
  unregister: {
    usage: 'unregister QUEUE CONSUMER',
    changes: true,
    summary: 'forget a consumer or a subscriber',
    words: [2, 2],
    run: (job) => withDatabase(job, (side) => forget(job, side)),
  },
  config: {
    usage: 'config [QUEUE [KEY=VALUE…]]',
    changes: true,
    summary: "show or change a queue's settings",
    words: [0, many],
    check: ({ words: [, ...pairs] }) => void pairs.map(parseSetting),
    run: (job) => withDatabase(job, (side) => config(job, side)),
  },
  status: {
    usage: 'status',
    changes: false,
    summary: 'show queues and consumers',
    words: [0, 0],
    run: (job) => withDatabase(job, async (side) => job.print(await statusText(side))),
  },
};

/** Opens the database; installs the schemas where they are missing, and always for `install`, which also updates. */
async function withDatabase(job: QueueJob, work: (side: Side) => Promise<void>): Promise<void> {
  const side = await Side.open(job.settings.providerUrl, 'the database');
  try {
    const isInstalled = await side.run(() => isProviderInstalled(side.client));
    if (!isInstalled || job.args.words[0] === 'install') await side.run(() => installProvider(side.client));
    await work(side);
  } finally {
    await side.close();
  }
}

async function create({ words: [queue = ''], log }: QueueJob, side: Side): Promise<void> {
  const isNew = await side.run(() => createQueue(side.client, queue));
  log.info(isNew ? `queue ${queue} is made` : `queue ${queue}: nothing to do`);
}

async function drop({ words: [queue = ''], args, log }: QueueJob, side: Side): Promise<void> {
  await side.run((client) => lockChanges(client, queue));
  const [found] = await side.run((client) => queueStatus(client, queue));
  if (found === undefined) {
    if (await side.run((client) => wasQueueDropped(client, queue))) return log.info(`queue ${queue}: nothing to do`);
    throw noQueue(queue);
  }
  const consumers = (await side.run((client) => consumerStatus(client, queue))).map(({ name }) => name);
  if (consumers.length > 0 && !args.has('force')) throw hasConsumers(queue, consumers);
  const isSet = (await side.run(() => listSets(side.client))).some((set) => set.queue === queue);
  if (isSet) await side.run(() => dropSet(side.client, queue));
  else await side.run(() => dropQueue(side.client, queue, { force: true }));
  log.info(`queue ${queue} is dropped`);
}

async function register({ words: [queue = '', name = ''], log }: QueueJob, side: Side): Promise<void> {
  await refuseUnknown(side, queue);
  const isNew = await side.run(() => registerConsumer(side.client, { queue, consumer: name }));
  log.info(isNew ? `consumer ${name} is registered` : `consumer ${name}: nothing to do`);
}

async function forget(job: QueueJob, side: Side): Promise<void> {
  const { words, log, settings } = job;
  const [queue = '', name = ''] = words;
  await refuseUnknown(side, queue);
  const consumers = await side.run((client) => consumerStatus(client, queue));
  const found = consumers.find((consumer) => consumer.name === name);
  if (found?.is_subscriber === true) {
    const { providerUrl, dataDir, file } = settings;
    const busUrl = settings.busUrl ?? (await recordedBus(providerUrl));
    const plan = { config: configOf({ queue, providerUrl, dataDir, busUrl }, file), argv: [name, '--yes'] };
    await runMillrace(job, unregister, plan);
    return;
  }
  if (found === undefined) return log.info(`consumer ${name}: nothing to do`);
  await side.run(() => unregisterConsumer(side.client, queue, name));
  log.info(`consumer ${name} is unregistered`);
}

async function config({ words, print, log }: QueueJob, side: Side): Promise<void> {
  const [queue, ...pairs] = words;
  if (queue !== undefined) await refuseUnknown(side, queue);
  if (queue === undefined || pairs.length === 0)
    return print(showConfig(await side.run((client) => queueStatus(client, queue ?? null))));
  const wanted = pairs.map(parseSetting);
  for (const [key, value] of wanted) await side.run(() => setQueueParameter(side.client, queue, key, value));
  log.info(`queue ${queue}: ${wanted.map(([key, value]) => `${key} = ${value}`).join(', ')}`);
}

async function statusText(side: Side): Promise<string> {
  const versions = await side.run(readVersions);
  const queues = await side.run((client) => queueStatus(client, null));
  const consumers = await side.run((client) => consumerStatus(client, null));
  const first = `Postgres version: ${versions?.server}   PgQ version: ${versions?.pgq}`;
  return [first, '', showQueues(queues), '', showConsumers(consumers)].join('\n');
}

async function refuseUnknown(side: Side, queue: string): Promise<void> {
  if ((await side.run((client) => queueStatus(client, queue))).length === 0) throw noQueue(queue);
}

function noQueue(queue: string): MillraceError {
  return new MillraceError(codes.NOT_FOUND, `there is no queue ${JSON.stringify(queue)}`, {
    advice: 'see `pgqadm FILE status`',
  });
}
