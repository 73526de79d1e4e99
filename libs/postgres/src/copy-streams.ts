import type { Readable, Writable } from 'node:stream';
import { from, to } from 'pg-copy-streams';
import type { PgClient } from './connect.ts';

/** `COPY … TO STDOUT` as a stream of buffers, as the server sends them; back-pressure reaches the server. */
export function copyOut(client: PgClient, sql: string): Readable {
  return client.query(to(sql));
}

/** `COPY … FROM STDIN`: write buffers, then `end()`; 'finish' means the server took it all. */
export function copyIn(client: PgClient, sql: string): Writable {
  return client.query(from(sql));
}
