import { type TableName, tableKey } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { readTarget, readVersion, type TargetTable } from '@millrace/subscriber';
import { lacksTable } from '../plan/layout.ts';

const checkIntervalMs = 2000;

/** What the catalog of the subscriber says of the tables that are written. */
export class TableCache {
  readonly #client: Queryable;
  #tables = new Map<string, TargetTable>();
  /** Version of the catalog for the known tables; undefined: not read since the last one was added. */
  #version: string | undefined;
  #checkedAt = 0;

  constructor(client: Queryable) {
    this.#client = client;
  }

  /** Throws SUBSCRIBER_SCHEMA when there is no such table. */
  async get(table: TableName): Promise<TargetTable> {
    const key = tableKey(table);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const found = await readTarget(this.#client, table);
    if (found === undefined) throw lacksTable(table);
    this.#tables.set(key, found);
    // The next check only reads the version with this table in it.
    this.#version = undefined;
    this.#checkedAt = 0;
    return found;
  }

  /** True when a known table was altered since the last check; checks at intervals. Call it outside transactions. */
  async wereAltered(): Promise<boolean> {
    if (this.#tables.size === 0 || performance.now() - this.#checkedAt < checkIntervalMs) return false;
    const oids = [...this.#tables.values()].map((table) => table.oid);
    const version = await readVersion(this.#client, oids);
    const isAltered = this.#version !== undefined && this.#version !== version;
    this.#version = version;
    this.#checkedAt = performance.now();
    return isAltered;
  }

  clear(): void {
    this.#tables = new Map();
    this.#version = undefined;
  }
}
