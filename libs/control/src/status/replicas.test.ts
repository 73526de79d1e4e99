import { expect, test } from 'vitest';
import { maxAgeMs, replicaOf, wantedOf } from './replicas.ts';
import type { Status, SubscriberStatus } from './status-document.ts';

const entry = {
  name: 'public.entry',
  schema: 'public',
  table: 'entry',
  state: 'ok',
  copied_rows: 0,
  total_rows: null,
  total_bytes: null,
  rows_per_s: null,
  eta_s: null,
  copied_bytes: 0,
  copy_progress: null,
  error: null,
  warning: null,
  comparison: null,
  explain: '',
};
const eu: SubscriberStatus = {
  name: 'eu',
  state: 'running',
  tick: 9,
  lag_ms: 0,
  lag_ticks: 0,
  error: null,
  applied_at: null,
  reported_ms_ago: 10,
  configured: true,
  explain: '',
  tables: [entry],
  sequences: [],
};

function judge(
  asked: Parameters<typeof wantedOf>[0],
  more: Partial<SubscriberStatus> = {},
  ageMs = 0,
  provider = 'running',
) {
  const status = { provider: { state: provider } } as unknown as Status;
  return replicaOf(status, { ...eu, ...more }, wantedOf(asked), ageMs);
}

test('one that lacks nothing is fresh, however long nothing happened', () => {
  expect(judge({ max_lag_ms: 1000 })).toMatchObject({ fresh: true, lag_ms: 0, reasons: [] });
});

test('the age of the answer counts as lag', () => {
  expect(judge({ max_lag_ms: 1000 }, { lag_ms: 700 }, 200).fresh).toBe(true);
  expect(judge({ max_lag_ms: 1000 }, { lag_ms: 700 }, 400)).toMatchObject({
    fresh: false,
    reasons: ['it lacks changes of 1100 ms ago'],
  });
  expect(maxAgeMs({ maxLagMs: 1000, tables: undefined })).toBe(500);
});

test.each(['paused', 'stopped', 'unreachable'] as const)('one that is %s is not fresh, whatever its lag', (state) => {
  expect(judge({}, { state }).fresh).toBe(false);
});

test('a lag that nobody can tell is too long, unless none is requested', () => {
  expect(judge({ max_lag_ms: 100000 }, { lag_ms: 5 }, 0, 'unreachable')).toMatchObject({ fresh: false, lag_ms: null });
  expect(judge({}, { lag_ms: 5 }, 0, 'unreachable').fresh).toBe(true);
});

test('a table that is being copied counts, unless the reader names others', () => {
  const tables = [entry, { ...entry, name: 'public.late', table: 'late', state: 'copying' }];
  expect(judge({}, { tables }).reasons).toEqual(['public.late is copying']);
  expect(judge({ tables: ['entry'] }, { tables }).fresh).toBe(true);
  expect(judge({ tables: ['entry', 'late'] }, { tables }).fresh).toBe(false);
  expect(judge({ tables: ['other'] }, { tables }).reasons).toEqual(['public.other is not replicated there']);
  expect(judge({}, { tables: [] }).fresh).toBe(false);
});

test('what is no name of a table is refused', () => {
  expect(() => wantedOf({ tables: ['a.b.c'] })).toThrow(/not a table/);
});
