import { connect, pinSettings } from '@millrace/postgres';
import { sqlText } from './sql-text.ts';

interface Sum {
  readonly name: string;
  readonly rows: string;
  readonly sum: string;
}

/** One object on all sides. */
export interface Compared {
  readonly name: string;
  /** Rows, or the last value of a sequence, by side. */
  readonly rows: Readonly<Record<string, string>>;
  /** Sides that differ from the provider. */
  readonly different: readonly string[];
}

/** Compares every table and the sequence of the demo on all sides, by checksum. `urls`: the provider's is `provider`. */
export async function compareByChecksum(urls: Readonly<Record<string, string>>): Promise<Compared[]> {
  const sides = await Promise.all(
    Object.entries(urls).map(async ([side, url]) => ({ side, sums: await read(url, 'checksum') })),
  );
  const provider = sides.find(({ side }) => side === 'provider')?.sums ?? [];
  return provider.map(({ name, rows, sum }) => {
    const found = sides.map(({ side, sums }) => ({ side, at: sums.find((s) => s.name === name) }));
    return {
      name,
      rows: Object.fromEntries(found.map(({ side, at }) => [side, at?.rows ?? '-'])),
      different: found.flatMap(({ side, at }) => (at?.rows === rows && at.sum === sum ? [] : [side])),
    };
  });
}

/** Rows by table name, as one side has them now; undefined while its tables are not there. */
export async function countRows(url: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    return Object.fromEntries((await read(url, 'row_counts')).map(({ name, rows }) => [name, rows]));
  } catch {
    return undefined;
  }
}

async function read(url: string, statement: string): Promise<Sum[]> {
  const client = await connect(url, { applicationName: 'demo' });
  try {
    await pinSettings(client);
    return (await client.query(await sqlText(statement))).rows;
  } finally {
    await client.end();
  }
}
