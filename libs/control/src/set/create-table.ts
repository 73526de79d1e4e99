import { MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { databaseError, withTransaction } from '@millrace/postgres';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { SubscriberSide } from '../sides/subscriber-side.ts';

/** One statement of `table_definition.sql`; step 7 are foreign keys. */
interface Step {
  readonly step: number;
  readonly statement: string;
}

const foreignKeys = 7;

/**
 * Makes a table at the subscriber as it is at the provider, in one transaction. Returns what has to wait until the
 * other tables are there: its foreign keys. Throws with the server's reason, naming subscriber and table.
 */
export async function createTable(
  provider: ProviderSide,
  subscriber: SubscriberSide,
  table: TableName,
): Promise<string[]> {
  const { client } = subscriber.side;
  const version = (await client.query('SHOW server_version_num')).rows[0]?.server_version_num;
  const steps = await provider.side.run<Step>('table_definition', [table.schema, table.name, version]);
  try {
    await withTransaction(client, async () => {
      for (const { step, statement } of steps) if (step !== foreignKeys) await client.query(statement);
    });
  } catch (error) {
    const known = databaseError(error, `subscriber ${subscriber.name}: ${tableLabel(table)} could not be made there`);
    throw new MillraceError(known.code, known.message, { cause: error, advice: 'create it there by hand and repeat' });
  }
  return steps.filter(({ step }) => step === foreignKeys).map(({ statement }) => statement);
}

/** Adds foreign keys where their other table is there too; the others are told and left out. */
export async function addForeignKeys(
  subscriber: SubscriberSide,
  statements: readonly string[],
  note: (line: string) => void,
): Promise<void> {
  for (const statement of statements) {
    try {
      await subscriber.side.client.query(statement);
    } catch (error) {
      const { message } = databaseError(error, `subscriber ${subscriber.name}: left out a foreign key`);
      note(message);
    }
  }
}

/** The tables that people made at the provider. */
export async function userTables(provider: ProviderSide): Promise<TableName[]> {
  const rows = await provider.side.run<{ schema_name: string; table_name: string }>('user_tables');
  return rows.map((row) => ({ schema: row.schema_name, name: row.table_name }));
}

/** The sequences from which the table's columns take their numbers. */
export async function ownedSequences(provider: ProviderSide, table: TableName): Promise<TableName[]> {
  const values = [table.schema, table.name];
  const rows = await provider.side.run<{ schema_name: string; sequence_name: string }>('owned_sequences', values);
  return rows.map((row) => ({ schema: row.schema_name, name: row.sequence_name }));
}
