// Notifications of requests for capture, so that it need not poll for them. Sent where commands write the requests, never by a
// trigger on the application's tables: its transactions would wait for each other's notifications.
import type { PgClient } from '@millrace/postgres';

const channel = 'millrace_wish';

/** A column of a statement that writes a wish: its transaction tells of it. A column `queue` must be in sight. */
export const notifyDesiredState = `pg_notify('${channel}', queue)`;

/** The same as a statement of its own; $1 is the queue. Whoever makes a tick beside the ticker tells of it so. */
export const notifyDesiredStateSql = `SELECT pg_notify('${channel}', $1)`;

/** Calls back when admin wrote a wish for this queue or made a tick in it, for as long as the session lives. Only news, never the truth. */
export async function onDesiredState(client: PgClient, queue: string, listener: () => void): Promise<void> {
  client.on('notification', (note) => {
    if (note.channel === channel && note.payload === queue) listener();
  });
  await client.query(`LISTEN ${channel}`);
}
