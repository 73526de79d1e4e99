// The long form of the cluster test: node test/faults/cluster-soak.ts --minutes 30 [--seed N]
import { parseArgs } from 'node:util';
import { report } from '../harness/report.ts';
import { runCluster } from './cluster.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
});

report('seed', Number(values.seed));
const outcome = await runCluster({
  seed: Number(values.seed),
  untilMs: Number(values.minutes) * 60_000,
  say: (line) => report(new Date().toISOString(), line),
});
process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
process.exit(outcome.findings.length === 0 ? 0 : 1);
