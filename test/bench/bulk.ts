import { connect } from '@millrace/postgres';

export const bulkTable = 'bulk';

/** Eight columns of mixed types, about 120 bytes a row. */
export async function createBulk(url: string, name = bulkTable): Promise<void> {
  const client = await connect(url, { applicationName: 'bench' });
  await client.query(`CREATE TABLE ${name} (id bigint PRIMARY KEY, a int, b text, c numeric(12,2), d timestamptz,
    e boolean, f text, g double precision)`);
  await client.end();
}

/** Text of an insert of rows `from`..`to` in one statement. */
export const bulkInsert = (from: number, to: number, name = bulkTable): string => `INSERT INTO ${name}
  SELECT g, g % 1000, 'item number ' || g, g * 1.25, timestamptz '2026-01-01 00:00:00+00' + g * interval '1 second',
    g % 2 = 0, repeat('x', 20 + g % 20), g / 3.0 FROM generate_series(${from}, ${to}) g`;

/** 300k inserted, 300k updated, 100k deleted, one statement each: 700k row changes. */
export async function runBulk(url: string): Promise<number> {
  const client = await connect(url, { applicationName: 'bench load' });
  await client.query(bulkInsert(1, 300_000));
  await client.query(`UPDATE ${bulkTable} SET a = a + 1, b = b || '!', g = g * 2`);
  await client.query(`DELETE FROM ${bulkTable} WHERE id % 3 = 0`);
  await client.end();
  return 700_000;
}
