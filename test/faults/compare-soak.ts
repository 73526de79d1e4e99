// Comparisons under load, in which nothing differs: node test/faults/compare-soak.ts --runs 1000 [--major 18]
import { parseArgs } from 'node:util';
import { alarms, busy, load, repeated } from '../harness/comparing.ts';
import { Ground } from '../harness/ground.ts';
import { report } from '../harness/report.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, major: { type: 'string', default: '18' } },
});
const runs = Number(values.runs);
const major = Number(values.major);

const ground = await Ground.start({ name: 'compare-soak', servers: { one: { major }, two: { major } } });
const found: unknown[] = [];
let [made, comparisons, transactions] = [0, 0, 0];
const begun = performance.now();
try {
  const site = await ground.site({ name: 'soak', provider: 'one', subscribers: { eu: 'two', us: 'two' } });
  await site.begin();
  await site.everywhere(busy.schema);
  await site.millrace('add', ...busy.tables);
  await site.millrace('wait', '--timeout', '60s');
  const traffic = load(site.provider, busy.traffic);
  for await (const run of repeated(site, runs, ...busy.tables)) {
    made += 1;
    comparisons += run.tables.length;
    found.push(...alarms(run));
    if (made % 100 === 0) report('runs', { made, alarms: found.length });
  }
  transactions = await traffic.stop();
} finally {
  await ground.stop();
}
const seconds = Math.round((performance.now() - begun) / 1000);
process.stdout.write(`${JSON.stringify({ major, runs: made, comparisons, transactions, seconds, alarms: found })}\n`);
process.exit(found.length === 0 && made === runs ? 0 : 1);
