import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { Target } from './add-tables.ts';
import { closeTargets, openTargets } from './targets.ts';

/** What `remove` and `remove-seq` ask of the subscribers they were not told to touch. */
export type Holds = (target: Target, object: TableName) => Promise<boolean>;

/**
 * Which of these other subscribers still hold the object. One that cannot be asked counts as holding it: then the
 * provider goes on capturing, which costs a little and loses nothing.
 */
export async function stillHolding(
  config: Config,
  others: readonly string[],
  { object, holds }: { object: TableName; holds: Holds },
): Promise<string[]> {
  const holding: string[] = [];
  for (const name of others) {
    let targets: Target[] = [];
    try {
      targets = await openTargets(config, [name]);
      for (const target of targets) if (await holds(target, object)) holding.push(name);
    } catch {
      holding.push(name);
    } finally {
      await closeTargets(targets);
    }
  }
  return holding;
}

/** A subscriber whose database is out of reach and that says it follows the table must be told on its own host. */
export function refuseFar(targets: readonly Target[], tables: readonly TableName[]): void {
  for (const { name, side, tables: followed } of targets) {
    if (side !== undefined) continue;
    const held = tables.find((table) => followed.some((t) => sameTable(t, table)));
    if (held === undefined) continue;
    throw new MillraceError(
      codes.CONFIG,
      `subscriber ${name} follows ${tableLabel(held)} and its database has no url here`,
      {
        advice: `run \`millrace remove ${tableLabel(held)}\` where it can be reached first`,
      },
    );
  }
}
