// What is checked of the names that a command was given, before anything is read about them.
import { codes } from '@millrace/errors';
import { type TableName, tableKey } from '@millrace/model';
import type { ProviderOverview } from '@millrace/provider';
import { refuseOn } from './refusals.ts';

/** Throws for a subscriber that stands in the configuration only: it has no position yet, its copy would have no beginning. */
export function refuseUnregistered(names: readonly string[], { subscribers }: ProviderOverview): void {
  const unknown = names.filter((name) => !subscribers.some((subscriber) => subscriber.name === name));
  refuseOn(
    unknown.map((name) => ({
      code: codes.NOT_INSTALLED,
      text: `subscriber ${name} is not registered at the provider`,
    })),
    'run `millrace install`',
  );
}

/** Each table once, in order. */
export function distinctTables(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [tableKey(table), table])).values()];
}
