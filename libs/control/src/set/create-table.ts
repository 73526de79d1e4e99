import { MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { statementError, tableDefinition, withTransaction } from '@millrace/postgres';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { SubscriberSide } from '../sides/subscriber-side.ts';

/** The step of a table's definition that needs other tables. */
const foreignKeys = 7;

/**
 * Makes a table at the subscriber equal to the provider's, in one transaction. Returns what has to wait until the other
 * tables are there: its foreign keys. Throws with the server's reason, naming subscriber and table.
 */
export async function createTable(
  provider: ProviderSide,
  subscriber: SubscriberSide,
  table: TableName,
): Promise<string[]> {
  const { client } = subscriber.side;
  const version = (await client.query('SHOW server_version_num')).rows[0]?.server_version_num;
  const steps = await provider.side.run((source) => tableDefinition(source, table, version));
  try {
    await withTransaction(client, async () => {
      for (const { step, statement } of steps) if (step !== foreignKeys) await client.query(statement);
    });
  } catch (error) {
    const known = statementError(error, `subscriber ${subscriber.name}: ${tableLabel(table)} could not be made there`);
    throw new MillraceError(known.code, known.message, { cause: error, advice: 'create it there by hand and repeat' });
  }
  return steps.filter(({ step }) => step === foreignKeys).map(({ statement }) => statement);
}

/** Adds foreign keys where their other table is there too; the others are left out and named. */
export async function addForeignKeys(
  subscriber: SubscriberSide,
  statements: readonly string[],
  note: (line: string) => void,
): Promise<void> {
  for (const statement of statements) {
    try {
      await subscriber.side.client.query(statement);
    } catch (error) {
      const { message } = statementError(error, `subscriber ${subscriber.name}: left out a foreign key`);
      note(message);
    }
  }
}
