import { createDatabase, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Counts } from './queue-counts.ts';
import { QueueMaintenance } from './queue-maintenance.ts';

// Maintenance asks for one step twice, then once more; and for a vacuum.
const STUB = `
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
  await query(url, STUB);
  const counts = new Noted('stub');
  const never = { figuresMs: 1_000_000, statisticsMs: 0, retryMs: 0, maintenanceMs: 0 };
  const work = new QueueMaintenance({ database: 'stub', label: 'database stub', url, counts, ...never });
  onTestFinished(() => work.close({ forGood: true }));
  for (let at = 0; at < passes; at += 1) await work.pass().catch(() => {});
  return { url, counts };
}

test('where autovacuum is off the small tables are vacuumed now and then, not at every look', async () => {
  const { counts } = await maintained(3);
  // The first pass has a step, asked for twice, and the vacuum; the second the other step.
  expect(counts.steps).toEqual([2, 1, 0]);
});

test('maintenance runs each step in its own transaction, again while it asks for it', async () => {
  const { url } = await maintained(3);
  const [row] = await query(url, 'SELECT count(DISTINCT xid)::int AS n, count(*)::int AS of FROM stub.step');
  expect(row).toEqual({ n: 3, of: 3 });
});
