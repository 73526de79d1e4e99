import type { Scenario } from './regression-scenarios.ts';

const kinds = ['jsontriga', 'logutriga', 'sqltriga'];

interface TriggerPlan {
  readonly title: string;
  /** Makes table `tt` and what else is needed. */
  readonly before: readonly string[];
  /** What stands behind the queue's name, as SQL. */
  readonly args?: string;
  readonly when?: 'AFTER' | 'BEFORE';
  readonly truncate?: boolean;
  readonly changes: readonly string[];
  readonly differs?: Readonly<Record<string, string>>;
}

/** One table, once for each kind of trigger, each with a queue of its own that is read after every change. */
function onTable(plan: TriggerPlan): Scenario {
  const steps = kinds.flatMap((kind) => {
    const event = `${plan.when ?? 'AFTER'} INSERT OR UPDATE OR DELETE`;
    const call = `EXECUTE PROCEDURE pgq.${kind}('tq'${plan.args ?? ''})`;
    return [
      `SELECT pgq.create_queue('tq'), '${kind}' AS kind`,
      ...plan.before,
      `CREATE TRIGGER tq_${kind} ${event} ON tt FOR EACH ROW ${call}`,
      ...(plan.truncate ? [`CREATE TRIGGER tq_trunc AFTER TRUNCATE ON tt FOR EACH STATEMENT ${call}`] : []),
      ...plan.changes.flatMap((change) => [change, taken]),
      'RESET session_replication_role',
      'DROP TABLE tt',
      `SELECT pgq.drop_queue('tq')`,
    ];
  });
  return { title: `triggers: ${plan.title}`, steps, ...(plan.differs === undefined ? {} : { differs: plan.differs }) };
}

/** Reads all events and forgets them. */
const taken = `WITH gone AS (DELETE FROM pgq.event_template RETURNING ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
  SELECT ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 FROM gone ORDER BY ev_id`;

const withKey = 'CREATE TABLE tt (id serial PRIMARY KEY, txt text, val float)';
const three = ['CREATE TABLE tt (nr int PRIMARY KEY, col1 text, stamp date)', `SET datestyle = 'ISO'`];

export const triggerScenarios: readonly Scenario[] = [
  onTable({
    title: 'a table with a key; its key may not be changed',
    before: [withKey],
    truncate: true,
    changes: [
      `INSERT INTO tt (txt) VALUES ('text1')`,
      'INSERT INTO tt (val) VALUES (1.5)',
      `INSERT INTO tt (txt) VALUES (E'''"quoted\\\\string$%,@"\\n')`,
      `UPDATE tt SET txt = 'text2' WHERE id = 1`,
      'UPDATE tt SET txt = txt WHERE id = 1',
      'UPDATE tt SET val = NULL, txt = NULL WHERE id = 2',
      'DELETE FROM tt WHERE id = 2',
      'UPDATE tt SET id = 7 WHERE id = 1',
      'TRUNCATE tt',
    ],
  }),
  onTable({
    title: 'a table without a key',
    before: ['CREATE TABLE tt (a int, b text)'],
    changes: [`INSERT INTO tt VALUES (1, 'x')`, `UPDATE tt SET b = 'y'`, 'DELETE FROM tt'],
  }),
  onTable({
    title: 'the row before',
    before: three,
    args: `, 'backup'`,
    changes: [
      `INSERT INTO tt VALUES (1, 'text', '1999-02-03')`,
      `UPDATE tt SET col1 = 'col1x'`,
      `UPDATE tt SET stamp = '1999-02-04'`,
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'the row before, without what is ignored',
    before: three,
    args: `, 'backup', 'ignore=col1'`,
    changes: [
      `INSERT INTO tt VALUES (1, 'text', '1999-02-03')`,
      `UPDATE tt SET col1 = 'col1x'`,
      `UPDATE tt SET stamp = '1999-02-04', col1 = 'z'`,
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'expressions for fields',
    before: ['CREATE TABLE tt (nr int PRIMARY KEY, col1 text, col2 text)'],
    args: `, 'ev_type=$$badidea$$', 'ev_extra1=(nr+3)::text', 'ev_extra2=col1||col2', 'ev_extra4=null'`,
    changes: [
      `INSERT INTO tt VALUES (1, 'col1', 'col2')`,
      `UPDATE tt SET col1 = 'col1x'`,
      'UPDATE tt SET col2 = NULL',
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'magic columns',
    before: [
      'CREATE TABLE tt (nr int PRIMARY KEY, col1 text, _pgq_ev_type text, _pgq_ev_extra1 text, _pgq_ev_data text)',
    ],
    changes: [
      `INSERT INTO tt VALUES (1, 'x', 'T', 'E1', 'D')`,
      `UPDATE tt SET col1 = 'y'`,
      `UPDATE tt SET _pgq_ev_type = 'TT', _pgq_ev_extra1 = NULL, _pgq_ev_data = NULL`,
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'ignored columns',
    before: three,
    args: `, 'ignore=col1'`,
    changes: [
      `INSERT INTO tt VALUES (1, 'text', '1999-02-03')`,
      `UPDATE tt SET col1 = 'a'`,
      `UPDATE tt SET stamp = '2000-01-01'`,
      'UPDATE tt SET nr = nr',
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'a key of its own',
    before: ['CREATE TABLE tt (nr int NOT NULL, col1 text NOT NULL, stamp date, PRIMARY KEY (nr))'],
    args: `, 'pkey=nr,col1'`,
    changes: [
      `INSERT INTO tt VALUES (1, 'text', '1999-02-03')`,
      `UPDATE tt SET stamp = '1999-02-05'`,
      `UPDATE tt SET col1 = 'other'`,
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'a condition',
    before: three,
    args: `, 'when=col1=''tmp'''`,
    changes: [
      `INSERT INTO tt VALUES (1, 'text', NULL), (2, 'tmp', NULL)`,
      `UPDATE tt SET stamp = '1999-02-05'`,
      `UPDATE tt SET col1 = 'tmp' WHERE nr = 1`,
      'DELETE FROM tt',
    ],
  }),
  onTable({
    title: 'changes denied',
    before: [withKey],
    args: `, 'deny'`,
    changes: [`INSERT INTO tt (txt) VALUES ('x')`, `UPDATE tt SET txt = 'y'`, 'DELETE FROM tt'],
  }),
  onTable({
    title: 'skipped rows',
    before: [withKey],
    args: `, 'SKIP'`,
    when: 'BEFORE',
    changes: [`INSERT INTO tt (txt) VALUES ('x')`, 'SELECT count(*)::int FROM tt'],
  }),
  onTable({
    title: 'roles of sessions in replication',
    before: [withKey],
    changes: [
      `INSERT INTO tt (txt) VALUES ('origin')`,
      'SET session_replication_role = local',
      `INSERT INTO tt (txt) VALUES ('local')`,
      'SET session_replication_role = replica',
      `INSERT INTO tt (txt) VALUES ('replica')`,
      'SET session_replication_role = origin',
      'UPDATE tt SET val = id',
    ],
  }),
  onTable({
    title: 'wrong arguments',
    before: [withKey],
    args: `, 'nonsense'`,
    changes: [`INSERT INTO tt (txt) VALUES ('x')`],
    differs: { [`INSERT INTO tt (txt) VALUES ('x')`]: 'A wrong argument: the message names it' },
  }),
  onTable({
    title: 'types',
    before: [
      `CREATE TABLE tt (id int PRIMARY KEY, b bool, i2 int2, i8 int8, n numeric, f4 float4, f8 float8, t text, c char(3), d date, tm time,
         ts timestamp, tz timestamptz, iv interval, by bytea, j json, jb jsonb, u uuid, o oid, ar int[], ip inet, x xml)`,
      `SET datestyle = 'ISO'; SET timezone = 'UTC'; SET bytea_output = 'hex'; SET intervalstyle = 'postgres'; SET extra_float_digits = 1`,
    ],
    changes: [
      `INSERT INTO tt VALUES (1, true, 2, 9007199254740993, 1.10, 1.5, 0.1, 'ü', 'ab', '2001-02-03', '04:05:06.7',
         '2001-02-03 04:05:06.789', '2001-02-03 04:05:06+00', '1 day 02:03:04', '\\x00ff', '{"a": 1}', '{"a": 1}',
         'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 7, '{1,NULL}', '10.0.0.1', '<a/>')`,
      'INSERT INTO tt (id) VALUES (2)',
      `UPDATE tt SET b = NOT b, ts = 'infinity', tz = '-infinity', d = 'infinity', n = 'NaN', f8 = '-Infinity' WHERE id = 1`,
      'DELETE FROM tt WHERE id = 1',
    ],
  }),
];
