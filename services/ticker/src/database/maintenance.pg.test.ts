import { createServer } from 'node:net';
import { codes } from '@millrace/errors';
import { createDatabase, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { QueueMaintenance } from './maintenance.ts';
import { Counts } from './queue-counts.ts';

// The list of maintenance has one step twice, then once more; and a vacuum.
const stub = `
  CREATE SCHEMA pgq; CREATE SCHEMA stub; CREATE TABLE pgq.queue (queue_id int, queue_name text); CREATE TABLE pgq.small (id int);
  CREATE TABLE stub.step (name text, xid xid8 DEFAULT pg_current_xact_id());
  CREATE FUNCTION pgq.maint_retry_events() RETURNS int LANGUAGE sql AS 'SELECT 0';
  CREATE FUNCTION stub.step(name text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stub.step (name) VALUES ($1);
    RETURN CASE WHEN (SELECT count(*) FROM stub.step) = 1 THEN 1 ELSE 0 END;
  END $$;
  CREATE FUNCTION pgq.maint_operations() RETURNS TABLE (func_name text, func_arg text)
    LANGUAGE sql AS $$ SELECT 'stub.step', 'x' WHERE (SELECT count(*) FROM stub.step) < 3 UNION ALL SELECT 'vacuum', 'pgq.small' $$;
`;

class Noted extends Counts {
  readonly steps: number[] = [];
  override maintained(n: number): void {
    this.steps.push(n);
  }
}

async function maintained(passes: number) {
  const { url } = await createDatabase();
  await query(url, stub);
  const counts = new Noted('stub');
  const never = { figuresMs: 1_000_000, statisticsMs: 0, retryMs: 0, maintenanceMs: 0 };
  const work = new QueueMaintenance({ database: 'stub', label: 'database stub', url, counts, ...never });
  onTestFinished(() => work.end());
  for (let at = 0; at < passes; at += 1) await work.pass().catch(() => {});
  return { url, counts };
}

test('where autovacuum is off the small tables are vacuumed now and then, not at every pass', async () => {
  const { counts } = await maintained(3);
  // The first pass has a step, listed twice, and the vacuum; the second the other step.
  expect(counts.steps).toEqual([2, 1, 0]);
});

test('maintenance runs each step in its own transaction, again while it is listed', async () => {
  const { url } = await maintained(3);
  const [row] = await query(url, 'SELECT count(DISTINCT xid)::int AS n, count(*)::int AS of FROM stub.step');
  expect(row).toEqual({ n: 3, of: 3 });
});

/** Lets everybody in, and cuts the line at the first statement. Gives its port. */
async function cutsTheLine(): Promise<number> {
  const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(welcome);
      socket.once('data', () => socket.destroy());
    });
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a session that is lost while it is being set up is a failed pass, not the end of the process', async () => {
  const url = `postgresql://nobody@127.0.0.1:${await cutsTheLine()}/none`;
  const paces = { figuresMs: 0, statisticsMs: 0, retryMs: 0, maintenanceMs: 0 };
  const work = new QueueMaintenance({ database: 'gone', label: 'gone', url, counts: new Counts('gone'), ...paces });
  await expect(work.pass()).rejects.toMatchObject({ code: codes.DATABASE_UNREACHABLE });
  await work.end();
});
