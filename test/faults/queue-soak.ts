// The long form of the queue's stress: node test/faults/queue-soak.ts --minutes 10 [--seed N] [--major 15] [--sessions 100] [--every 2000]
import { parseArgs } from 'node:util';
import { report } from '../harness/report.ts';
import { runQueueStress } from './queue-stress.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    major: { type: 'string', default: '18' },
    sessions: { type: 'string', default: '100' },
    every: { type: 'string', default: '2000' },
  },
});

const outcome = await runQueueStress({
  seed: Number(values.seed),
  major: Number(values.major),
  writeMs: Number(values.minutes) * 60_000,
  sessions: Number(values.sessions),
  everyMs: Number(values.every),
  say: (line) => report(new Date().toISOString(), line),
});
process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
process.exit(outcome.findings.length === 0 ? 0 : 1);
