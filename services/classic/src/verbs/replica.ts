import type { Config } from '@millrace/config';
import type { Command, Context } from '@millrace/control';
import { localActor, parseArguments } from '@millrace/control';
import { refuseFailed } from '@millrace/control/commands';
import { installParts } from '@millrace/control/install';
import { distinctTables } from '@millrace/control/preflight';
import type { ProviderOverview } from '@millrace/control/sides';
import { ProviderSide, SubscriberSide } from '@millrace/control/sides';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableLabel } from '@millrace/model';
import type { Job } from '../program/tool.ts';
import { recordedBus } from '../settings/recorded-bus.ts';
import { type ConfigParts, configOf } from '../settings/service-config.ts';
import type { ReplicaSettings } from '../settings/settings.ts';

export type ReplicaJob = Job<ReplicaSettings>;

/** The configuration that the file comes to; `whole`: with the subscriber. */
export async function configFor({ settings }: ReplicaJob, whole: boolean): Promise<Config> {
  const { queue, providerUrl, subscriber, subscriberUrl, dataDir, file } = settings;
  const busUrl = settings.busUrl ?? (await recordedBus(providerUrl));
  const parts: ConfigParts = { queue, providerUrl, busUrl, dataDir };
  return configOf(whole ? { ...parts, subscriber: { name: subscriber, url: subscriberUrl } } : parts, file);
}

/** Runs one of Millrace's commands as a part of a classic one: it neither asks for a confirmation nor has an audit entry of its own. */
export async function runMillrace(
  job: Pick<ReplicaJob, 'log' | 'print'>,
  command: Command,
  plan: { config: Config; argv: readonly string[] },
): Promise<number> {
  const context: Context = {
    configFile: undefined,
    json: false,
    actor: localActor(),
    ask: undefined,
    config: async () => plan.config,
    note: job.log.info,
    result: (_document, text) => {
      if (text !== '') job.print(text, command.isScript);
    },
  };
  return command.run(context, parseArguments(command, plan.argv));
}

/** Installs what is missing: the provider's side, and with `whole` the subscriber's, which is registered as well. */
export async function install(job: ReplicaJob, whole: boolean): Promise<void> {
  const parts = await installParts(await configFor(job, whole));
  for (const { part, state, detail } of parts) if (state !== 'failed') job.log.info(`${part}: ${detail}`);
  refuseFailed(parts);
}

/** What verbs of `provider …` work with. The session holds the lock that lets one command at a time change the set. */
export interface OpenProvider {
  readonly provider: ProviderSide;
  readonly overview: ProviderOverview;
}

/** Opens the provider for one piece of work; installs it first where it is missing. */
export async function atProvider<T>(job: ReplicaJob, work: (open: OpenProvider) => Promise<T>): Promise<T> {
  const open = (await openSet(job)) ?? (await install(job, false).then(() => openSet(job)));
  if (open === undefined) throw new MillraceError(codes.NOT_INSTALLED, 'the provider: its queue is gone again');
  return work(open).finally(() => open.provider.close());
}

/** Undefined when the queue is not there. */
async function openSet(job: ReplicaJob): Promise<OpenProvider | undefined> {
  const provider = await ProviderSide.open(await configFor(job, false));
  try {
    await provider.lockChanges();
    return { provider, overview: await provider.overview() };
  } catch (error) {
    await provider.close();
    if (toMillraceError(error).code === codes.NOT_INSTALLED) return undefined;
    throw error;
  }
}

/** What verbs of `subscriber …` work with. */
export interface OpenReplica extends OpenProvider {
  readonly subscriber: SubscriberSide;
}

/** Opens both sides for one piece of work; installs and registers first where that is missing. */
export async function atSubscriber<T>(job: ReplicaJob, work: (open: OpenReplica) => Promise<T>): Promise<T> {
  await ensureRegistered(job);
  return atProvider(job, async (open) => {
    const subscriber = await SubscriberSide.open(await configFor(job, true), job.settings.subscriber);
    try {
      return await work({ ...open, subscriber });
    } finally {
      await subscriber.close();
    }
  });
}

export async function ensureRegistered(job: ReplicaJob): Promise<void> {
  const { subscriber: name } = job.settings;
  const isKnown = await atProvider(job, async ({ overview }) => overview.subscribers.some((one) => one.name === name));
  if (!isKnown || !(await isSetUp(job))) await install(job, true);
}

async function isSetUp(job: ReplicaJob): Promise<boolean> {
  const side = await SubscriberSide.open(await configFor(job, true), job.settings.subscriber);
  try {
    await side.overview();
    return true;
  } catch (error) {
    if (toMillraceError(error).code !== codes.NOT_INSTALLED) throw error;
    return false;
  } finally {
    await side.close();
  }
}

/** The names a person gave, each once. */
export function namesIn(words: readonly string[]): TableName[] {
  return distinctTables(words.map(parseTableName));
}

/** Throws USAGE for a word that is no name. */
export function checkNames({ words }: Pick<ReplicaJob, 'words'>): void {
  words.forEach(parseTableName);
}

/** Throws NOT_FOUND naming those that are not among `known`. */
export function refuseMissing(names: readonly TableName[], known: readonly TableName[], why: string): void {
  const missing = names.filter((name) => !known.some((one) => sameTable(one, name)));
  if (missing.length > 0) throw new MillraceError(codes.NOT_FOUND, `${missing.map(tableLabel).join(', ')}: ${why}`);
}
