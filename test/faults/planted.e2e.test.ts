import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { isEqual, judge, type Question } from '../harness/oracle.ts';
import { pause } from '../harness/pause.ts';
import { Random } from '../harness/random.ts';
import type { Site } from '../harness/site.ts';
import { createWorkload, Workload, workloadSequences, workloadTables } from '../harness/workload/workload.ts';

/** The short form's timeout for a product that does not heal, and for one that has to. */
const timeoutsMs = { planted: 6000, clean: 30_000 };

let ground: Ground;

beforeAll(async () => {
  ground = await Ground.start({ name: 'planted', servers: { one: { major: 18 } } });
});

afterAll(() => ground.stop());

interface Planted {
  readonly site: Site;
  readonly provider: Database;
  readonly subscriber: Database;
}

/** The chaos run's short form: workload, a planted mistake instead of faults, verdict. Gives the rules that were broken. */
async function shortRun(name: string, plant: (planted: Planted) => Promise<void>): Promise<string[]> {
  const site = await ground.site({ name, provider: 'one', subscribers: { eu: 'one' } });
  try {
    const { provider } = site;
    await createWorkload(provider, site.subscribers.values());
    await site.begin({ tables: [...workloadTables], sequences: [...workloadSequences] });
    const workload = new Workload(provider);
    workload.start({ random: new Random(11), clients: 3, holdMs: 200, thinkMs: 10 });
    await waitFor('some traffic', () => workload.ledger.counts.ok > 60);
    await plant({ site, provider, subscriber: site.subscriber('eu') });
    await waitFor('more traffic', () => workload.ledger.counts.ok > 150);
    await workload.stop();
    const { ledger } = workload;
    const question: Question = {
      provider,
      subscribers: site.subscribers,
      ledger,
      tables: workloadTables,
      sequences: workloadSequences,
    };
    const healed = await waitFor('equality', () => isEqual(question), {
      timeoutMs: name === 'clean' ? timeoutsMs.clean : timeoutsMs.planted,
      everyMs: 500,
    }).catch(() => false);
    const rules = (await judge(question)).findings.map((finding) => finding.rule);
    return healed === true ? rules : ['heals by itself', ...rules];
  } finally {
    await site.destroy();
  }
}

/** Runs `work` while a service stands still, so that a mistake can be put where it would have looked next. */
async function whileFrozen(site: Site, kinds: readonly string[], work: () => Promise<void>): Promise<void> {
  for (const kind of kinds) site.service(kind).signal('SIGSTOP');
  try {
    await work();
  } finally {
    for (const kind of kinds) site.service(kind).signal('SIGCONT');
  }
}

async function captureFunctions(provider: Database, table: string): Promise<string[]> {
  const rows = await provider.rows(
    `SELECT DISTINCT tgfoid::regprocedure::text AS fn FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid
     WHERE tgrelid = $1::regclass AND p.pronamespace = 'millrace'::regnamespace`,
    [`public.${table}`],
  );
  return rows.map((row) => String(row['fn']));
}

describe('the oracle on the product itself, with a mistake planted', () => {
  test('nothing planted, nothing found', async () => {
    expect(await shortRun('clean', async () => {})).toEqual([]);
  });

  test('an event is skipped', async () => {
    const rules = await shortRun('skipped', async ({ site, provider }) => {
      await whileFrozen(site, ['ticker', 'capture'], async () => {
        const find = `SELECT ev_id FROM pgq.event_1 WHERE ev_extra1 = '["public","log"]' ORDER BY ev_id DESC LIMIT 1`;
        const before = await provider.rows(find);
        await waitFor('a new event', async () => (await provider.rows(find))[0]?.['ev_id'] !== before[0]?.['ev_id']);
        const [row] = await provider.rows(find);
        await provider.run('DELETE FROM pgq.event_1 WHERE ev_id = $1', [row?.['ev_id']]);
      });
    });
    expect(rules).toContain('ok ⊆ subscriber');
  });

  test('a batch is applied twice', async () => {
    const rules = await shortRun('twice', async ({ site, subscriber }) => {
      const read = 'SELECT tick::text, fingerprint FROM millrace.position';
      const place = await whereReplayStops(site, subscriber, read);
      await pause(500);
      await whileFrozen(site, ['replay eu'], async () => {
        // What it did since is undone by hand where it would be noticed, so that it can be done again.
        await subscriber.within(async (client) => {
          await client.query('BEGIN; SET LOCAL session_replication_role = replica');
          await client.query('DELETE FROM public.log WHERE id > $1', [place.log]);
          await client.query('UPDATE millrace.position SET tick = $1, fingerprint = $2', [
            place.tick,
            place.fingerprint,
          ]);
          await client.query('COMMIT');
        });
      });
    });
    expect(rules).toContain('once');
  });

  test('the position is moved forward over changes that were never applied', async () => {
    const rules = await shortRun('forward', async ({ site, provider, subscriber }) => {
      await whileFrozen(site, ['replay eu'], async () => {
        await pause(1500);
        const [row] = await provider.rows("SELECT tick::text, fingerprint FROM millrace.last_tick('forward')");
        await subscriber.run('UPDATE millrace.position SET tick = $1, fingerprint = $2', [
          row?.['tick'],
          row?.['fingerprint'],
        ]);
      });
    });
    expect(rules.length).toBeGreaterThan(0);
    expect(rules).toContain('ok ⊆ subscriber');
  });

  test('a row is lost at the subscriber', async () => {
    const rules = await shortRun('lost', async ({ subscriber }) => {
      await subscriber.run(
        'SET session_replication_role = replica; DELETE FROM public.log WHERE id = (SELECT max(id) FROM public.log); SET session_replication_role = origin',
      );
    });
    expect(rules).toContain('ok ⊆ subscriber');
  });

  test('a capture trigger is off for a moment', async () => {
    const rules = await shortRun('untriggered', async ({ provider }) => {
      await provider.run('ALTER TABLE public.log DISABLE TRIGGER USER');
      await pause(400);
      await provider.run('ALTER TABLE public.log ENABLE TRIGGER USER');
    });
    expect(rules).toContain('ok ⊆ subscriber');
  });

  test('settings are not pinned in the capture trigger', async () => {
    const rules = await shortRun('unpinned', async ({ provider }) => {
      const functions = await captureFunctions(provider, 'kinds');
      expect(functions.length).toBeGreaterThan(0);
      for (const fn of functions) await provider.run(`ALTER FUNCTION ${fn} SET extra_float_digits = -3`);
      await provider.run(
        'INSERT INTO public.kinds (id, c_float8) SELECT i, 0.30000000000000004 FROM generate_series(1, 9) i',
      );
    });
    expect(rules).toContain('subscriber equals provider');
  });

  test('a tick is made with an older snapshot than its predecessor, as a ticker without the lock would', async () => {
    const rules = await shortRun('unlocked', async ({ site, provider }) => {
      await provider.within(async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_snapshot()');
        const newest = () => provider.value<number>('SELECT max(tick_id)::int FROM pgq.tick');
        const before = await newest();
        await waitFor('ticks of newer snapshots', async () => (await newest()) > before + 3);
        const rows = () => provider.value<number>('SELECT count(*)::int FROM public.log');
        const seen = await rows();
        await waitFor('rows that the old snapshot does not have', async () => (await rows()) > seen + 20);
        await whileFrozen(site, ['ticker'], async () => {
          await client.query(
            `INSERT INTO pgq.tick (tick_queue, tick_id, tick_time, tick_snapshot, tick_event_seq)
             SELECT queue_id, nextval(queue_tick_seq), clock_timestamp(), txid_current_snapshot(),
               pg_sequence_last_value(queue_event_seq::regclass)
             FROM pgq.queue WHERE queue_name = 'unlocked'`,
          );
          await client.query('COMMIT');
        });
      });
    });
    // The product may notice and stop, or apply twice: either way it must not look well.
    expect(rules.length).toBeGreaterThan(0);
  });
});

async function whereReplayStops(
  site: Site,
  subscriber: Database,
  read: string,
): Promise<{ tick: unknown; fingerprint: unknown; log: unknown }> {
  let place = { tick: undefined as unknown, fingerprint: undefined as unknown, log: undefined as unknown };
  await whileFrozen(site, ['replay eu'], async () => {
    const [row] = await subscriber.rows(read);
    place = {
      tick: row?.['tick'],
      fingerprint: row?.['fingerprint'],
      log: await subscriber.value('SELECT max(id) FROM public.log'),
    };
  });
  return place;
}
