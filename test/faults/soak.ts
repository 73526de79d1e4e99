// The long form of the chaos test: node test/faults/soak.ts --kills 1000 [--seed N] [--every 2000]
import { parseArgs } from 'node:util';
import { report } from '../harness/report.ts';
import { runChaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    every: { type: 'string', default: '2000' },
  },
});

const faults = Number(values.kills);
const everyMs = Number(values.every);
const outcome = await runChaos({
  seed: Number(values.seed),
  faults,
  everyMs,
  timeoutMs: faults * everyMs * 3 + 60_000,
  say: (line) => report(new Date().toISOString(), line),
});
process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
process.exit(outcome.findings.length === 0 && outcome.total >= faults ? 0 : 1);
