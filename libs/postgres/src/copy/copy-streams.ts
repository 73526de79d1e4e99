import type { Readable, Writable } from 'node:stream';
import { from, to } from 'pg-copy-streams';
import type { PgClient } from '../client.ts';
import { CopyFrames } from './copy-frames.ts';

/** The step of the library's stream that takes bytes of the connection; false: no more are welcome for now. */
type Parsing = Readable & { _parse(chunk: Buffer): boolean | undefined };

/**
 * `COPY … TO STDOUT` as a stream of buffers, as the server sends them; back-pressure reaches the server. The library takes
 * ten times as long for each row's message, so the data is taken out here; how a COPY begins and ends stays its affair.
 */
export function copyOut(client: PgClient, sql: string): Readable {
  const query = to(sql);
  const stream = query as unknown as Parsing;
  const parse = stream._parse.bind(stream);
  const frames = new CopyFrames();
  let isOver = false;
  stream._parse = (chunk) => {
    if (isOver) return parse(chunk);
    const { data, rest } = frames.take(chunk);
    const isWelcome = data.length === 0 || stream.push(data);
    if (rest === undefined) return isWelcome;
    isOver = true;
    return parse(rest) && isWelcome;
  };
  return client.query(query);
}

/** `COPY … FROM STDIN`: write buffers, then `end()`; 'finish' means the server took it all. */
export function copyIn(client: PgClient, sql: string): Writable {
  return client.query(from(sql));
}
