// Whether the provider is the one that was followed so far.
import { codes, MillraceError } from '@millrace/errors';
import type { PgClient } from '@millrace/postgres';
import { listSets, systemIdentifier } from '@millrace/provider';

/** The provider's system identifier. Throws PROVIDER_HISTORY when the set was made on another cluster, NOT_FOUND without a set. */
export async function identifyProvider(client: PgClient, queue: string): Promise<string> {
  const provider = await systemIdentifier(client);
  const set = (await listSets(client)).find((one) => one.queue === queue);
  if (set === undefined) {
    throw new MillraceError(codes.NOT_FOUND, `the provider has no set ${queue}`, { advice: 'run `millrace install`' });
  }
  if (set.systemIdentifier !== provider) throw providerHistory(`the set ${queue} was made on another cluster`);
  return provider;
}

/** The one sentence for a provider that is not the one that was followed. */
export function providerHistory(what: string): MillraceError {
  return new MillraceError(codes.PROVIDER_HISTORY, `the provider went back in time or is another one: ${what}`, {
    advice:
      'it was restored from a backup, lost its newest transactions in a failover, or was loaded from a dump; bring back the provider that was followed, or remove the set and start again: `millrace uninstall --yes`, `install`, `add`',
  });
}
