import pg from 'pg';

/** Kills the session at one of its pool's statements: before it is sent, or when it is done and no client has received the result. */
export interface Crash {
  /** Counted over all statements of the pool, from 1. */
  readonly statement: number;
  readonly when: 'before' | 'after';
}

/** A pool whose sessions die at given statements. */
export function crashingPool(
  url: string,
  crashes: readonly Crash[],
): { readonly pool: pg.Pool; readonly crashed: () => number } {
  const pool = new pg.Pool({ connectionString: url, max: 6 });
  pool.on('error', () => {});
  const pending = new Map(crashes.map(({ statement, when }) => [statement, when]));
  let statements = 0;
  let crashed = 0;
  const patched = new WeakSet<pg.ClientBase>();
  const patch = (client: pg.ClientBase) => {
    if (patched.has(client)) return;
    patched.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const kill = () => {
      crashed += 1;
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    };
    client.query = (async (...args: unknown[]) => {
      statements += 1;
      const when = pending.get(statements);
      pending.delete(statements);
      if (when === 'before') kill();
      const result = await query(...args);
      if (when === 'after') {
        kill();
        throw new Error('Connection terminated');
      }
      return result;
    }) as never;
  };
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  pool.connect = (async () => {
    const client = await connect();
    patch(client);
    return client;
  }) as never;
  return { pool, crashed: () => crashed };
}
