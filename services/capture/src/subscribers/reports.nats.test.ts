import { BusConnection, getKey, putKey } from '@millrace/bus';
import { eventually } from '@millrace/testkit';
import { bucketName } from '@millrace/wire';
import { expect, onTestFinished, test } from 'vitest';
import { type Bench, makeBench, sendReport } from '../../test/bench.ts';
import { ForeignMessages } from './foreign-messages.ts';
import { Reports } from './reports.ts';

function reportsOf(bench: Bench) {
  const connection = new BusConnection({ name: 'test', url: () => bench.busUrl, whileLost: 'throw' });
  onTestFinished(() => connection.close());
  const foreign = new ForeignMessages();
  const reports = new Reports(bench, { connection, foreign });
  onTestFinished(() => reports.stop());
  return { reports, foreign };
}

test('of made-up subscribers a hundred are remembered at most, of registered ones all', async () => {
  const bench = await makeBench();
  const position = { tick: 1, fingerprint: '0'.repeat(32) };
  for (let at = 0; at < 150; at += 1) await sendReport(bench, `made-up-${at}`, position);
  await sendReport(bench, 'eu', position);
  const { reports } = reportsOf(bench);
  reports.expect(['eu']);
  await reports.follow();
  await eventually(() => reports.get('eu') !== undefined, { what: 'the report of eu' });
  const remembered = Array.from({ length: 150 }, (_, at) => `made-up-${at}`).filter((name) => reports.get(name));
  expect(remembered.length).toBe(100);
});

test.each([
  ['with a key', ['q9Zt3Vw7Lx1Bn5Mc8Rk2Hs6Gd4Jf0PaY']],
  ['without a key', []],
])('a report counts under the key of its own subscriber only, %s', async (_how, keys) => {
  const bench = await makeBench({ keys });
  const bucket = { bucket: bucketName(bench.queue) };
  const position = { tick: 5, fingerprint: '0'.repeat(32) };
  const { reports } = reportsOf(bench);
  reports.expect(['eu', 'us']);
  await sendReport(bench, 'us', position);
  const own = await getKey(bench.bus, bucket.bucket, 'us');
  if (own === undefined) throw new Error('no report');
  // Who may write the key of us alone reports for eu; and what is of us, under the key of eu.
  await sendReport(bench, 'us', { ...position, tick: 7 }, { subscriber: 'eu' });
  await putKey(bench.bus, bucket, { key: 'eu', ...own });
  await reports.follow();
  await sendReport(bench, 'us', { ...position, tick: 6 });
  await eventually(() => expect(reports.get('us')?.report.tick).toBe(6));
  expect(reports.get('eu')).toBeUndefined();
});

test('with a key an unsigned report and an older one sent again do not count, and operators are shown that', async () => {
  const bench = await makeBench({ keys: ['q9Zt3Vw7Lx1Bn5Mc8Rk2Hs6Gd4Jf0PaY'] });
  const { bucket } = { bucket: bucketName(bench.queue) };
  const { reports, foreign } = reportsOf(bench);
  reports.expect(['eu']);
  await reports.follow();
  const at = (tick: number) => sendReport(bench, 'eu', { tick, fingerprint: '0'.repeat(32) });
  await at(1);
  const older = await getKey(bench.bus, bucket, 'eu');
  if (older === undefined) throw new Error('no report');
  await at(2);
  await eventually(() => expect(reports.get('eu')?.report.tick).toBe(2));
  await putKey(bench.bus, { bucket }, { key: 'eu', ...older });
  await putKey(bench.bus, { bucket }, { key: 'eu', value: older.value });
  await eventually(() => expect(foreign.warning()?.sentence).toContain('2 messages on the bus set aside'));
  expect(foreign.warning()?.sentence).toContain('not signed by us: it has no signature');
  expect(reports.get('eu')?.report.tick).toBe(2);
});
