// Which parts of the configuration a command needs. A host that only replays has no provider, a host on the provider's
// side has no subscriber's url; so nothing here is checked before somebody needs it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import type { Config } from './load.ts';

/** How the provider is called among databases. */
const providerName = 'provider';

/** The provider's URL. Throws CONFIG saying what to add. */
export function needProvider(config: Config): { readonly url: string } {
  if (config.provider !== undefined) return config.provider;
  throw lacks(config, 'names no provider', 'add `provider: { url: postgresql://user@host:5432/db }`');
}

/** The URL of one subscriber. Throws CONFIG when the subscriber or its url is not in the file. */
export function needSubscriberUrl(config: Config, name: string): string {
  const subscriber = needSubscriber(config, name);
  if (subscriber.url !== undefined) return subscriber.url;
  throw lacks(
    config,
    `gives no url for the subscriber ${name}`,
    `add \`url: postgresql://user@host/db\` below subscribers.${name}`,
  );
}

/** One subscriber's section. Throws CONFIG, naming those there are. */
export function needSubscriber(config: Config, name: string): { readonly url?: string | undefined } {
  const found = Object.hasOwn(config.subscribers, name) ? config.subscribers[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(config.subscribers);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  throw lacks(config, `has no subscriber ${JSON.stringify(name)}, ${known}`, `add it below \`subscribers:\``);
}

/** A database with queues: the provider's is called `provider`. */
export interface QueueDatabase {
  readonly name: string;
  readonly url: string;
}

/** All databases whose queues this configuration knows, the provider first. */
export function queueDatabases(config: Config): QueueDatabase[] {
  const provider = config.provider === undefined ? [] : [{ name: providerName, url: config.provider.url }];
  return [...provider, ...Object.entries(config.databases).map(([name, { url }]) => ({ name, url }))];
}

/** One of them by name; without a name the provider, or the only one there is. Throws CONFIG. */
export function needQueueDatabase(config: Config, name?: string): QueueDatabase {
  const all = queueDatabases(config);
  const names = all.map((one) => one.name).join(', ');
  const isClear = config.provider !== undefined || all.length === 1;
  const found = name === undefined ? (isClear ? all[0] : undefined) : all.find((one) => one.name === name);
  if (found !== undefined) return found;
  if (all.length === 0) {
    throw lacks(
      config,
      'names no database with queues',
      'add `databases: { jobs: { url: postgresql://user@host/db } }`',
    );
  }
  if (name === undefined) throw lacks(config, `names several databases: ${names}`, 'say which with --database NAME');
  throw lacks(config, `has no database ${JSON.stringify(name)}, it has ${names}`, 'add it below `databases:`');
}

/**
 * The bus URL from the file, with all that stands beside it as its query, else the one of the nats-server that `up` runs in
 * data_dir; undefined when neither is there.
 */
export function busUrl(config: Config): string | undefined {
  const { url, credentials, tls, replicas, domain } = config.bus;
  if (url !== undefined) return withQuery(url, { creds: credentials, ...tls, replicas, domain });
  try {
    return readFileSync(busUrlFile(config), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** With what messages on the bus are signed and judged. */
export interface BusKeys {
  /** The first signs, all are accepted; none: nothing is signed and all is accepted. */
  readonly keys: readonly string[];
  readonly acceptUnsigned: boolean;
}

/** The keys from the file. They never belong in a message, a log or an argument. */
export function busKeys({ bus }: Config): BusKeys {
  const keys = bus.key === undefined ? [] : typeof bus.key === 'string' ? [bus.key] : bus.key;
  return { keys, acceptUnsigned: bus.accept_unsigned };
}

/** The file in which `up` leaves the URL of its own nats-server. */
export function busUrlFile(config: Config): string {
  return join(config.data_dir, 'run', 'nats.url');
}

function withQuery(url: string, values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  if (given.length === 0) return url;
  const [first = '', ...others] = url.split(',');
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return [`${first.trim()}${first.includes('?') ? '&' : '?'}${query}`, ...others].join(',');
}

function lacks(config: Config, what: string, advice: string): MillraceError {
  return new MillraceError(codes.CONFIG, `${config.file} ${what}`, { advice });
}
