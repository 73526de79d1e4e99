import type { Random } from '../harness/random.ts';

/** Tables that the random statements work on: narrow ranges, so that keys and unique values meet all the time. */
export const propertySchema = `
  CREATE TABLE public.p1 (a int, b text, u int UNIQUE, v text, PRIMARY KEY (b, a));
  CREATE TABLE public.p2 (id int PRIMARY KEY, u int UNIQUE, v int);
  CREATE TABLE public.p3 (id int PRIMARY KEY, parent int REFERENCES public.p3 ON DELETE CASCADE ON UPDATE CASCADE, v int);`;

export const propertyTables = ['p1', 'p2', 'p3'] as const;

/** A statement that may well fail; a failed one is undone by its savepoint. */
export function randomStatement(random: Random): string {
  const id = (): number => random.int(1, 12);
  const value = (): string => (random.chance(0.15) ? 'NULL' : String(random.int(0, 9)));
  const text = (): string => random.pick(["''", "'a'", "'b''c'", "'\\'", "'\"'", "E'\\n'", "'(,)'"]);
  const where = (column: string): string =>
    random.pick([`${column} = ${id()}`, `${column} < ${id()}`, `${column} % 3 = ${random.int(0, 2)}`, 'true']);
  return random.pick([
    () => `INSERT INTO p2 VALUES (${id()}, ${value()}, ${value()})`,
    () =>
      `INSERT INTO p2 SELECT i, NULL, ${value()} FROM generate_series(${id()}, ${id()}) i ON CONFLICT (id) DO UPDATE SET v = excluded.v, u = NULL`,
    () => `UPDATE p2 SET v = coalesce(v, 0) + 1 WHERE ${where('id')}`,
    () => `UPDATE p2 SET u = ${value()} WHERE id = ${id()}`,
    () => `UPDATE p2 SET id = id + ${random.pick([20, -20, 13, -13, 1])} WHERE ${where('id')}`,
    () => `DELETE FROM p2 WHERE ${where('id')}`,
    () => `INSERT INTO p1 VALUES (${id()}, ${text()}, ${value()}, ${text()}) ON CONFLICT DO NOTHING`,
    () => `UPDATE p1 SET b = ${text()}, v = NULL WHERE ${where('a')}`,
    () => `UPDATE p1 SET a = a + 1, u = NULL WHERE ${where('a')}`,
    () => `DELETE FROM p1 WHERE b = ${text()}`,
    () => `INSERT INTO p3 VALUES (${id()}, ${random.chance(0.4) ? 'NULL' : String(id())}, 0) ON CONFLICT DO NOTHING`,
    () => `UPDATE p3 SET id = ${random.int(1, 40)} WHERE id = ${id()}`,
    () => `DELETE FROM p3 WHERE id = ${id()}`,
    () => `MERGE INTO p2 USING (SELECT generate_series(${id()}, ${id()}) AS i) s ON p2.id = s.i
           WHEN MATCHED AND p2.v > 3 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 0 WHEN NOT MATCHED THEN INSERT VALUES (s.i, NULL, 1)`,
    () =>
      `WITH d AS (DELETE FROM p2 WHERE ${where('id')} RETURNING *) INSERT INTO p3 SELECT id, NULL, v FROM d ON CONFLICT DO NOTHING`,
    () =>
      random.chance(0.2)
        ? `TRUNCATE ${random.pick(['p1', 'p2', 'p3', 'p1, p2'])}`
        : `UPDATE p3 SET v = v + 1 WHERE ${where('id')}`,
    () => `UPDATE p2 SET id = -id WHERE ${where('id')}`,
  ])();
}

/** A trigger of the application with a random name, moment and effect on the same tables; two levels deep at most. */
export function randomTrigger(random: Random, number: number): string {
  const table = random.pick(['p2', 'p3', 'p2']);
  const name = `"${random.pick(['!', ' ', 'A', '_', 'a', 'zz', '~', 'é'])}${number}"`;
  const level = random.pick(['ROW', 'ROW', 'STATEMENT']);
  const moment = random.pick(['AFTER', 'AFTER', 'BEFORE']);
  const events = random.pick([
    'INSERT',
    'UPDATE',
    'INSERT OR UPDATE',
    'DELETE',
    'INSERT OR UPDATE OR DELETE',
    'UPDATE OF v',
  ]);
  const row = random.pick(['NEW', 'OLD']);
  const pick = level === 'ROW' ? `coalesce(NEW.id, OLD.id)` : String(random.int(1, 12));
  const effect = random.pick([
    `UPDATE public.p2 SET v = coalesce(v, 0) + 10 WHERE id = ${pick}`,
    `UPDATE public.p2 SET v = 77 WHERE id <> ${pick} AND v > 5`,
    `DELETE FROM public.p2 WHERE id = ${pick} AND v = 4`,
    `INSERT INTO public.p2 VALUES (${random.int(30, 40)}, NULL, 1) ON CONFLICT (id) DO UPDATE SET v = 2`,
    `UPDATE public.p3 SET v = v + 1 WHERE id = ${pick}`,
    `DELETE FROM public.p3 WHERE id = ${pick} AND v > 2`,
    `UPDATE public.p2 SET id = id + 50 WHERE id = ${pick} AND v = 3`,
    `DELETE FROM public.p2 WHERE id = ${pick}; INSERT INTO public.p2 VALUES (${pick}, NULL, 9)`,
  ]);
  const result =
    level === 'ROW' && moment === 'BEFORE'
      ? `IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;`
      : 'RETURN NULL;';
  return `CREATE FUNCTION public.pf${number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF pg_trigger_depth() <= ${random.int(1, 3)} THEN ${effect}; END IF; /* ${row} */ ${result} END $$;
    CREATE TRIGGER ${name} ${moment} ${events} ON public.${table} FOR EACH ${level} EXECUTE FUNCTION public.pf${number}()`;
}
