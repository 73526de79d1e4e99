// The long form of the chaos test: node test/faults/soak.ts --kills 1000 [--seed N] [--every 2000]
import { parseArgs } from 'node:util';
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
const report = await runChaos({
  seed: Number(values.seed),
  faults,
  everyMs,
  timeoutMs: faults * everyMs * 3 + 60_000,
  say: (line) => console.error(`${new Date().toISOString()} ${line}`),
});
console.info(JSON.stringify(report, null, 2));
process.exit(report.findings.length === 0 && report.total >= faults ? 0 : 1);
