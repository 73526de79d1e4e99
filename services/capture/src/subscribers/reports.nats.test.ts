import { BusConnection } from '@millrace/bus';
import { eventually } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { makeBench, sendReport } from '../../test/bench.ts';
import { Reports } from './reports.ts';

test('of made-up subscribers a hundred are remembered at most, of registered ones all', async () => {
  const bench = await makeBench();
  const position = { tick: 1, fingerprint: '0'.repeat(32) };
  for (let at = 0; at < 150; at += 1) await sendReport(bench, `made-up-${at}`, position);
  await sendReport(bench, 'eu', position);
  const bus = new BusConnection({ name: 'test', url: () => bench.busUrl, whileLost: 'throw' });
  onTestFinished(() => bus.close());
  const reports = new Reports(bench.queue, bus);
  onTestFinished(() => reports.stop());
  reports.expect(['eu']);
  await reports.follow();
  await eventually(() => reports.get('eu') !== undefined, { what: 'the report of eu' });
  const remembered = Array.from({ length: 150 }, (_, at) => `made-up-${at}`).filter((name) => reports.get(name));
  expect(remembered.length).toBe(100);
});
