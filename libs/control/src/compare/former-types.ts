// Columns whose types were altered at the provider: a comparison that finds their table equal settles the doubt.
import { type Config, needSubscriberUrl } from '@millrace/config';
import type { TableName } from '@millrace/model';
import { connect, disconnect, type Queryable } from '@millrace/postgres';
import { forgetFormerTypes, readSourceColumns, type SourceColumnRecord } from '@millrace/subscriber';

/** Columns in doubt, of tables that were found equal. */
export class FormerTypes {
  readonly #config: Config;
  #found: { name: string; table: TableName; seen: SourceColumnRecord[] }[] = [];

  constructor(config: Config) {
    this.#config = config;
  }

  /** Notes a table that is equal at a subscriber, in the snapshot in which it was compared. */
  async note(client: Queryable, name: string, table: TableName): Promise<void> {
    const columns = await readSourceColumns(client, this.#config.queue, table);
    const seen = columns.filter(({ formerType }) => formerType !== null);
    if (seen.length > 0) this.#found.push({ name, table, seen });
  }

  /** Records that at the subscribers. Never throws: what cannot be recorded stays in doubt. */
  async settle(): Promise<void> {
    const found = this.#found;
    this.#found = [];
    for (const { name, table, seen } of found) {
      const client = await connect(needSubscriberUrl(this.#config, name), {
        applicationName: 'millrace compare',
      }).catch(() => undefined);
      if (client !== undefined) await forgetFormerTypes(client, this.#config.queue, table, seen).catch(() => {});
      await disconnect(client);
    }
  }
}
