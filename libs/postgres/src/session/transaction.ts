import type { Queryable } from '../client.ts';

/** Runs `work` in one transaction; rolls back and throws on when it throws. */
export async function withTransaction<T, C extends Queryable>(
  client: C,
  work: (client: C) => Promise<T>,
  begin = 'BEGIN',
): Promise<T> {
  await client.query(begin);
  try {
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
