import { unsignedKeyring } from '@millrace/wire/testing';
import { expect, test } from 'vitest';
import { Freshness } from './freshness.ts';

function make() {
  const clock = { now: 10_000 };
  const freshness = new Freshness({
    queue: 'main',
    keyring: unsignedKeyring('main'),
    now: () => clock.now,
  });
  const fresh = (maxLagMs: number) => freshness.judge(maxLagMs, { ok: true, reasons: [], role: 'leader' });
  return { clock, freshness, fresh };
}

test('without a pulse of the ticker the lag is unknown', () => {
  const { freshness, fresh } = make();
  freshness.positionAt(5);
  expect(fresh(1_000_000).ok).toBe(false);
});

test('in an idle queue it is as fresh as the last pulse of the ticker', () => {
  const { clock, freshness, fresh } = make();
  freshness.positionAt(5);
  freshness.add({ tick: 5, at: clock.now });
  clock.now += 500;
  expect(fresh(1_000)).toEqual({ ok: true, reasons: [], role: 'leader' });
  clock.now += 600;
  expect(fresh(1_000).reasons).toEqual(['it may lack changes of 1100 ms ago']);
});

test('a pulse of a tick that is not applied counts when it is', () => {
  const { clock, freshness, fresh } = make();
  freshness.positionAt(5);
  freshness.add({ tick: 6, at: clock.now });
  freshness.add({ tick: 7, at: clock.now + 100 });
  clock.now += 200;
  expect(fresh(1_000).ok).toBe(false);
  freshness.positionAt(6);
  expect(fresh(200).ok).toBe(true);
  expect(fresh(199).ok).toBe(false);
  freshness.positionAt(9);
  expect(fresh(100).ok).toBe(true);
});

test('however far it is behind, the oldest pulses count', () => {
  const { clock, freshness, fresh } = make();
  freshness.positionAt(5);
  for (let n = 0; n < 1000; n += 1) freshness.add({ tick: 10 + n, at: clock.now + n });
  clock.now += 1000;
  freshness.positionAt(10);
  expect(fresh(1000).ok).toBe(true);
  expect(fresh(999).ok).toBe(false);
  freshness.positionAt(2000);
  expect(fresh(1).ok).toBe(true);
});

test('a position that went back, an incomplete table and another instance that leads are not fresh', () => {
  const { clock, freshness, fresh } = make();
  freshness.positionAt(5);
  freshness.add({ tick: 5, at: clock.now });
  freshness.setTables([{ schema: 'public', name: 'entry', state: 'copying' }]);
  expect(fresh(1000).reasons).toEqual(['public.entry is copying']);
  freshness.setTables([]);
  expect(freshness.judge(1000, { ok: true, reasons: [], role: 'standby' }).ok).toBe(false);
  expect(freshness.judge(1000, { ok: false, reasons: ['not started'] })).toEqual({
    ok: false,
    reasons: ['not started'],
  });
  freshness.positionAt(4);
  expect(fresh(1000).ok).toBe(false);
});
