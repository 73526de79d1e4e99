import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { keepUnaltered, pinsSql, readTarget, type TableRunner, tableRunner } from '@millrace/subscriber';
import { type Change, changeOf, type Pass } from './choose-changes.ts';
import { type ComparedTable, readingAtProvider, readingAtSubscriber } from './compare-table.ts';
import { compareSettings, type Reading } from './plan-compare.ts';
import { deleteSql, type Findable, findRowsSql, insertSql, type LiteralRow, updateSql } from './plan-repair.ts';
import { NotComparable } from './table-shape.ts';

/** What was, or is to be, done to a table. */
export interface RepairCounts {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** The two sides as of one tick. The subscriber's may be a transaction that writes. */
export interface RepairSides {
  readonly provider: PgClient;
  readonly subscriber: PgClient;
}

const keysPerQuery = 200;

/**
 * Makes the rows with these keys equal: gives `run` a statement for each that is not so now, in an order in which they can be
 * executed. `run` may execute it or only write it down. Throws NotComparable.
 */
export async function repairTable(
  { provider, subscriber }: RepairSides,
  { table, keys }: { table: ComparedTable; keys: readonly (readonly string[])[] },
  run: (sql: string) => Promise<void>,
): Promise<RepairCounts> {
  const reading = await readingAtProvider(provider, table);
  const here = await findable(provider, reading);
  const there = await findable(subscriber, await readingAtSubscriber(subscriber, reading));
  const counts = { inserted: 0, updated: 0, deleted: 0 };
  const replace = mustReplace(there);
  for (const pass of ['removing', 'writing'] satisfies Pass[]) {
    for (let at = 0; at < keys.length; at += keysPerQuery) {
      const some = keys.slice(at, at + keysPerQuery);
      const [ours, theirs] = await Promise.all([findRows(provider, here, some), findRows(subscriber, there, some)]);
      for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
        const pair = { provider: ours.get(key), subscriber: theirs.get(key) };
        const change = changeOf(pair, { pass, replace });
        if (change === undefined) continue;
        await run(statementOf(there, change));
        counts[countOf[change.kind]] += 1;
      }
    }
  }
  return counts;
}

function statementOf(there: Findable, change: Change<LiteralRow>): string {
  if (change.kind === 'delete') return deleteSql(there, change.old);
  return change.kind === 'insert' ? insertSql(there, change.row) : updateSql(there, change.old, change.row);
}

const countOf = { insert: 'inserted', update: 'updated', delete: 'deleted' } as const;

async function findable(client: PgClient, reading: Reading): Promise<Findable> {
  const target = await readTarget(client, reading.table);
  const { key } = reading;
  const index = target?.uniqueIndexes.find(
    ({ columns }) => columns.length === key.length && columns.every((name) => key.includes(name)),
  );
  if (target === undefined || index === undefined) {
    throw new NotComparable(`it has no primary key or unique index on (${key.join(', ')})`);
  }
  return { reading, target, index };
}

async function findRows(
  client: PgClient,
  where: Findable,
  keys: readonly (readonly string[])[],
): Promise<Map<string, LiteralRow>> {
  const values = where.reading.key.map((_, at) => keys.map((key) => key[at]));
  const { rows } = await client.query<LiteralRow>(findRowsSql(where), values);
  return new Map(rows.map((row) => [JSON.stringify(row.key), row]));
}

/** Whether a row that differs is deleted and inserted again. Columns that only the subscriber has would be lost by that. */
function mustReplace({ reading, target, index }: Findable): boolean {
  const isCompared = (name: string) => reading.columns.includes(name);
  const hasFixed = target.columns.some(
    ({ name, identity }) => identity === 'always' && isCompared(name) && !reading.key.includes(name),
  );
  const hasOthers = target.uniqueIndexes.some((other) => other.name !== index.name);
  const hasOwn = target.columns.some(({ name, generated }) => !generated && !isCompared(name));
  return hasFixed || (hasOthers && !hasOwn);
}

/** Runs the statements of a repair as the owner of the table, as replay does. Throws NotComparable. */
export async function repairRunner(client: PgClient, table: TableName): Promise<TableRunner> {
  const target = await readTarget(client, table);
  if (target === undefined) throw new NotComparable('it is missing there');
  if (!(await keepUnaltered(client, target)))
    throw new NotComparable('it was altered in this moment', { isPassing: true });
  const role = (await client.query('SHOW session_replication_role')).rows[0]?.session_replication_role;
  const pins = pinsSql(client, compareSettings, { isTerse: false, replica: role === 'replica' });
  return tableRunner({ client, pins }, target);
}

/** Executes one statement of a repair. Throws CONFLICT when it did not change exactly one row. */
export async function executeRepair(runner: TableRunner, table: TableName, sql: string): Promise<void> {
  if ((await runner.run(sql)) === 1) return;
  throw new MillraceError(
    codes.CONFLICT,
    `${tableLabel(table)}: a row could not be made equal, another one is in its way`,
    {
      advice: `nothing was changed; copy the table again with \`millrace resync ${tableLabel(table)}\``,
    },
  );
}
