import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './numbers.ts';
import { beside, judge, type Row, table } from './report.ts';
import { bulkLoad, type Drain, drainMillrace, drainNative, type Load, tpcbLoad } from './rows/backlog.ts';
import { compareTimes } from './rows/compare.ts';
import { copyTimes, parallelCopyTimes } from './rows/copy.ts';
import { type JobRates, type JobSide, jobRounds } from './rows/jobs.ts';
import { type Lag, lagMillrace, lagNative } from './rows/lag.ts';
import { overhead } from './rows/overhead.ts';
import { type QueueRates, queueRounds } from './rows/pgq.ts';
import { idle, memory } from './rows/resources.ts';
import { type Servers, startServers, stopServers } from './servers.ts';

/**
 * npm run bench [-- --rounds 3 --only bulk,tpcb,lag,overhead,copy,parallel,compare,fanout,memory,idle,pgq,jobs --major 18 --quick]
 * Millrace and native logical replication take turns on the same machine; medians of the rounds.
 */
const names = [
  ...(['bulk', 'tpcb', 'lag', 'overhead', 'copy', 'parallel'] as const),
  ...(['compare', 'fanout', 'memory', 'idle', 'pgq', 'jobs'] as const),
];

interface Plan {
  readonly rounds: number;
  readonly quick: boolean;
  readonly major: number;
}

async function backlogRow(servers: Servers, plan: Plan, name: string, load: Load): Promise<Row[]> {
  const ours: Drain[] = [];
  const native: Drain[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    ours.push(await drainMillrace(servers, load, ['a']));
    native.push(await drainNative(servers, load, ['a']));
  }
  const [millrace, other] = [ours, native].map((list) => median(list.map((d) => d.changesPerSecond)));
  const bars = name === 'bulk' ? { must: 1, aim: 2, atLeast: true } : { must: 0.8, aim: 1.5, atLeast: true };
  const what = { row: `${name} backlog`, unit: 'changes/s', millrace: millrace ?? 0, other: other ?? 0 };
  return [judge({ ...what, rounds: [ours, native] }, what.millrace / what.other, bars)];
}

async function lagRows(servers: Servers, plan: Plan): Promise<Row[]> {
  const forSeconds = plan.quick ? 8 : 20;
  const ours: Lag[] = [];
  const native: Lag[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    ours.push(await lagMillrace(servers, forSeconds));
    native.push(await lagNative(servers, forSeconds));
  }
  const rounds = [ours, native];
  const row = (p: 'p50' | 'p99', must: number, aim: number): Row => {
    const [millrace, other] = [median(ours.map((l) => l[p])), median(native.map((l) => l[p]))];
    const what = { row: `lag at 300 tx/s, ${p}`, unit: 'ms', millrace, other, rounds };
    return judge(what, millrace, { must, aim, atLeast: false, times: false });
  };
  return [row('p50', 40, 10), row('p99', 200, 40)];
}

async function overheadRows(servers: Servers, plan: Plan): Promise<Row[]> {
  const rounds = await overhead(servers, Math.max(3, plan.rounds));
  const mid = (pick: (o: (typeof rounds)[number]) => number): number => median(rounds.map(pick));
  const cpu = { millrace: mid((o) => o.capturedCpuMs), other: mid((o) => o.bareCpuMs) };
  const insert = { millrace: mid((o) => o.capturedInsert), other: mid((o) => o.bareInsert) };
  const cpuRatio = mid((o) => o.capturedCpuMs / o.bareCpuMs);
  const insertRatio = mid((o) => o.capturedInsert / o.bareInsert);
  return [
    judge({ row: 'capture: CPU per TPC-B tx', unit: 'ms', ...cpu, rounds }, cpuRatio, {
      must: 1.4,
      aim: 1.2,
      atLeast: false,
    }),
    judge({ row: 'capture: 300k-row insert', unit: 's', ...insert, rounds }, insertRatio, {
      must: 2.5,
      aim: 1.8,
      atLeast: false,
    }),
  ];
}

async function copyRow(servers: Servers, plan: Plan): Promise<Row[]> {
  const rows = plan.quick ? 1_000_000 : 5_000_000;
  const rounds = [];
  for (let round = 0; round < (plan.quick ? 1 : plan.rounds); round += 1) rounds.push(await copyTimes(servers, rows));
  const millrace = median(rounds.map((r) => r.millrace));
  const other = median(rounds.map((r) => r.psql));
  const what = { row: `first copy of ${rows / 1e6}M rows (psql)`, unit: 's', millrace, other, rounds };
  return [judge(what, millrace / other, { must: 1.5, aim: 1, atLeast: false })];
}

async function parallelRow(servers: Servers, plan: Plan): Promise<Row[]> {
  const rows = plan.quick ? 1_000_000 : 5_000_000;
  const sessions = 2;
  const rounds = [];
  for (let round = 0; round < (plan.quick ? 1 : plan.rounds); round += 1) {
    rounds.push(await parallelCopyTimes(servers, rows, sessions));
  }
  const [millrace, other] = [median(rounds.map((r) => r.millrace)), median(rounds.map((r) => r.psql))];
  const what = { row: `copy by ${sessions} sessions, ${rows / 1e6}M rows (psql)`, unit: 's', millrace, other, rounds };
  return [judge(what, millrace / other, { must: 1.5, aim: 1, atLeast: false })];
}

async function compareRow(servers: Servers, plan: Plan): Promise<Row[]> {
  const rows = plan.quick ? 1_000_000 : 5_000_000;
  const rounds = await compareTimes(servers, rows, plan.rounds);
  const millrace = median(rounds.map(({ command }) => command));
  const other = median(rounds.map(({ sum }) => sum));
  const what = { row: `compare ${rows / 1e6}M rows (plain sum)`, unit: 's', millrace, other, rounds };
  const ratio = median(rounds.map(({ command, sum }) => command / sum));
  return [judge(what, ratio, { must: 2, aim: 1.2, atLeast: false })];
}

async function fanoutRows(servers: Servers, plan: Plan): Promise<Row[]> {
  const one: Drain[] = [];
  const four: Drain[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    one.push(await drainMillrace(servers, tpcbLoad, ['a']));
    four.push(await drainMillrace(servers, tpcbLoad, ['a', 'b', 'c', 'd']));
  }
  const mid = (list: Drain[], pick: (d: Drain) => number): number => median(list.map(pick));
  const row = (name: string, unit: string, pick: (d: Drain) => number, bars: { must: number; aim: number }): Row => {
    const [millrace, other] = [mid(four, pick), mid(one, pick)];
    const what = { row: `4 subscribers for 1: ${name}`, unit, millrace, other, rounds: [one, four] };
    return judge(what, millrace / other, { ...bars, atLeast: false });
  };
  return [
    row('provider CPU', 's', (d) => d.providerCpu, { must: 1.1, aim: 1 }),
    row('time of the TPC-B backlog', 's', (d) => d.seconds, { must: 2.5, aim: 1.5 }),
  ];
}

async function memoryRow(servers: Servers, plan: Plan): Promise<Row[]> {
  const rows = plan.quick ? 2_000_000 : 10_000_000;
  const found = await memory(servers, rows);
  const millrace = Math.max(...Object.values(found.peaks));
  const what = { row: `memory, ${rows / 1e6}M-row transaction`, unit: 'MiB', millrace, other: null, rounds: [found] };
  return [judge(what, millrace, { must: 512, aim: 256, atLeast: false, times: false })];
}

async function idleRow(servers: Servers, plan: Plan): Promise<Row[]> {
  const millrace = await idle(servers, plan.quick ? 20 : 60);
  const what = { row: 'idle, all services', unit: '% of a core', millrace, other: null, rounds: [] };
  return [judge(what, millrace, { must: 2, aim: 0.5, atLeast: false, times: false })];
}

async function pgqRows(servers: Servers, plan: Plan): Promise<Row[]> {
  const rounds = await queueRounds(servers.dir, plan.quick ? 40_000 : 200_000, plan.rounds);
  if (rounds.length === 0) return [];
  const row = (name: string, pick: keyof QueueRates, must: number): Row => {
    const [millrace, other] = [median(rounds.map((r) => r.ours[pick])), median(rounds.map((r) => r.real[pick]))];
    const ratio = median(rounds.map((r) => r.ours[pick] / r.real[pick]));
    const what = { row: `queue ${name} (C)`, unit: 'events/s', millrace, other, rounds };
    return judge(what, ratio, { must, aim: 1, atLeast: true });
  };
  return [
    row('in, 1 session', 'in1', 0.5),
    row('in, 8 sessions', 'in8', 0.5),
    row('in, one a transaction', 'single', 0.5),
    row('out, 1 consumer', 'out1', 1),
    row('out, 8 consumers', 'out8', 1),
  ];
}

async function jobsRows(servers: Servers, plan: Plan): Promise<Row[]> {
  const jobs = plan.quick ? 4_000 : 20_000;
  const rounds = await jobRounds({ dir: servers.dir, major: plan.major, jobs, rounds: plan.rounds });
  if (rounds.length === 0) return [];
  const row = (name: string, side: JobSide, pick: keyof JobRates): Row => {
    const [millrace, other] = [median(rounds.map((r) => r.millrace[pick])), median(rounds.map((r) => r[side][pick]))];
    const ratio = median(rounds.map((r) => r.millrace[pick] / r[side][pick]));
    return beside({ row: `jobs ${name}`, unit: 'jobs/s', millrace, other, rounds }, ratio);
  };
  const others = [
    ['boss', 'pg-boss'],
    ['graphile', 'graphile-worker'],
  ] as const;
  return others.flatMap(([side, name]) => [
    row(`in, 1,000 a transaction (${name})`, side, 'many'),
    row(`in, one by one, 1 session (${name})`, side, 'single1'),
    row(`in, one by one, 8 sessions (${name})`, side, 'single8'),
    row(`out, 1 consumer (${name})`, side, 'out1'),
    row(`out, 8 consumers (${name})`, side, 'out8'),
  ]);
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: names.join(',') },
      major: { type: 'string', default: '18' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-results' },
    },
  });
  const plan: Plan = { rounds: Number(values.rounds), quick: values.quick, major: Number(values.major) };
  const wanted = new Set(values.only.split(','));
  const root = join(import.meta.dirname, '../..');
  const dir = join(root, '.millrace/bench');
  rmSync(dir, { recursive: true, force: true });
  const servers = await startServers(dir, plan.major);
  const rows: Row[] = [];
  const measures = {
    bulk: () => backlogRow(servers, plan, 'bulk', bulkLoad),
    tpcb: () => backlogRow(servers, plan, 'TPC-B', tpcbLoad),
    lag: () => lagRows(servers, plan),
    overhead: () => overheadRows(servers, plan),
    copy: () => copyRow(servers, plan),
    parallel: () => parallelRow(servers, plan),
    compare: () => compareRow(servers, plan),
    fanout: () => fanoutRows(servers, plan),
    memory: () => memoryRow(servers, plan),
    idle: () => idleRow(servers, plan),
    pgq: () => pgqRows(servers, plan),
    jobs: () => jobsRows(servers, plan),
  };
  try {
    for (const name of names.filter((one) => wanted.has(one))) {
      process.stderr.write(`measuring ${name}\n`);
      rows.push(...(await measures[name]()));
      process.stderr.write(`${table(rows)}\n`);
    }
  } finally {
    await stopServers(servers);
  }
  mkdirSync(join(root, values.out), { recursive: true });
  const file = join(root, values.out, `bench-${new Date().toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ node: process.version, major: plan.major, plan, rows }, null, 2)}\n`);
  process.stdout.write(`${table(rows)}\n${file}\n`);
  process.exitCode = rows.some((row) => row.holds === 'no') ? 1 : 0;
}

await run();
