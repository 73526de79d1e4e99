import { expect, test } from 'vitest';
import { runQueueStress } from './queue-stress.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

test(`every consumer of a queue gets what was committed, whoever is killed (seed ${seed})`, async () => {
  const outcome = await runQueueStress({ seed, major: 18, writeMs: 7_000, sessions: 100, everyMs: 700 });
  expect(outcome.findings).toEqual([]);
  expect(outcome.committed).toBeGreaterThan(300);
  expect(outcome.undone).toBeGreaterThan(100);
  expect(outcome.rotations).toBeGreaterThan(0);
  expect(outcome.killed.processes + outcome.killed.sessions).toBeGreaterThan(5);
});

test('events that go missing, come twice or were never committed are found', async () => {
  const plant = `CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.ev_id % 20 = 0 THEN RETURN NULL; END IF;
      IF NEW.ev_id % 33 = 0 THEN NEW.ev_data := NEW.ev_data || '.phantom'; END IF;
      RETURN NEW; END $$;
    CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF pg_trigger_depth() = 1 AND NEW.consumer = 'here' THEN INSERT INTO taken VALUES (NEW.consumer, NEW.data); END IF; RETURN NEW; END $$;
    CREATE TRIGGER twice BEFORE INSERT ON taken FOR EACH ROW EXECUTE FUNCTION twice();
    CREATE TRIGGER spoil BEFORE INSERT ON pgq.event_1_0 FOR EACH ROW EXECUTE FUNCTION spoil();
    CREATE TRIGGER spoil BEFORE INSERT ON pgq.event_1_1 FOR EACH ROW EXECUTE FUNCTION spoil();
    CREATE TRIGGER spoil BEFORE INSERT ON pgq.event_1_2 FOR EACH ROW EXECUTE FUNCTION spoil()`;
  const plan = { seed, major: 18, writeMs: 3_000, sessions: 30, everyMs: 5_000, drainMs: 4_000, plant };
  const { findings } = await runQueueStress(plan);
  const kinds = new Set(findings.map((line) => line.replace(/ \d.*/, '')));
  expect(kinds).toContain('here: twice');
  for (const consumer of ['reader', 'here', 'there', 'team', 'raw']) {
    expect(kinds).toContain(`${consumer}: missing`);
    expect(kinds).toContain(`${consumer}: extra`);
  }
});
