import { type Config, needProvider, needSubscriberUrl } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { readDatabaseFacts } from '../doctor/database-checks.ts';
import { reachable } from '../sides/choose-subscribers.ts';
import { Side } from '../sides/side.ts';

/**
 * Subscribers whose database is the provider's or an earlier subscriber's, with whose it is (`the provider`, `subscriber eu`).
 * A provider that took its own changes would undo what was written since. Databases that cannot be queried are left out.
 */
export async function findSameDatabases(config: Config): Promise<Map<string, string>> {
  const names = reachable(config, Object.keys(config.subscribers));
  const provider = config.provider === undefined ? undefined : identityOf(needProvider(config).url, 'the provider');
  const theirs = names.map((name) => identityOf(needSubscriberUrl(config, name), `subscriber ${name}`));
  const owners = new Map([[await provider, 'the provider']]);
  const duplicates = new Map<string, string>();
  for (const [at, identity] of (await Promise.all(theirs)).entries()) {
    const name = names[at] ?? '';
    const owner = identity === undefined ? undefined : owners.get(identity);
    if (owner === undefined) owners.set(identity, `subscriber ${name}`);
    else duplicates.set(name, owner);
  }
  return duplicates;
}

/** Throws CONFIG. */
export async function refuseSameDatabase(name: string, owner: string): Promise<never> {
  throw new MillraceError(codes.CONFIG, `subscriber ${name} has the database of ${owner}`, {
    advice: 'correct one of the urls in the configuration',
  });
}

async function identityOf(url: string, label: string): Promise<string | undefined> {
  const side = await Side.open(url, label).catch(() => undefined);
  try {
    return side === undefined ? undefined : (await readDatabaseFacts(side)).identity;
  } catch {
    return undefined;
  } finally {
    await side?.close();
  }
}
