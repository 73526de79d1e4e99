import type { ProviderOverview } from '@millrace/provider';
import type { SubscriberOverview } from '@millrace/subscriber';
import { expect, test } from 'vitest';
import type { Gathered, GatheredSubscriber } from './gather.ts';
import { statusOf } from './status.ts';

const at = new Date('2026-01-01T00:00:10Z');

const provider: ProviderOverview = {
  now: '2026-01-01T00:00:10Z',
  set: { systemIdentifier: '1' },
  tick: { tick: 9, fingerprint: 'f'.repeat(32), time: '2026-01-01T00:00:09Z' },
  newEvents: 0,
  queue: { oldestTick: 7, events: 3, bytes: 1000, eventTables: 3, rotatedAt: '2026-01-01T00:00:00Z' },
  tables: [{ schema: 'public', name: 'entry', key: ['id'], problem: null, estimate: 200 }],
  sequences: [],
  subscribers: [{ name: 'eu', tick: 7, fingerprint: 'e'.repeat(32), reportedAt: null, keptFrom: 7 }],
  copies: [],
  comparisons: [],
  services: (['ticker', 'capture'] as const).map((service) => ({
    service,
    state: 'running',
    errorCode: null,
    errorMessage: null,
    ageMs: 100,
  })),
};

const subscriber: SubscriberOverview = {
  now: provider.now,
  position: { subscriber: 'eu', provider: '1', tick: 9, fingerprint: 'f'.repeat(32), appliedAt: null },
  tables: [
    {
      schema: 'public',
      name: 'entry',
      state: 'ok',
      copyId: 1,
      copiedRows: 50,
      copiedBytes: 10,
      error: null,
      altered: [],
    },
  ],
  sequences: [],
  paused: false,
  replay: { state: 'running', errorCode: null, errorMessage: null, ageMs: 50 },
};

function gathered(
  one: Partial<GatheredSubscriber> & { overview?: Partial<SubscriberOverview> } = {},
  more: Partial<ProviderOverview> = {},
): Gathered {
  const { overview, ...rest } = one;
  return {
    queue: 'main',
    provider: { kind: 'answer', value: { ...provider, ...more } },
    bus: { kind: 'answer', value: { batches: undefined, copies: undefined } },
    subscribers: [
      {
        name: 'eu',
        database: { kind: 'answer', value: { ...subscriber, ...overview } },
        report: undefined,
        behindMs: undefined,
        configured: true,
        kept: true,
        hasOtherHistory: false,
        ...rest,
      },
    ],
  };
}

const euOf = (all: Gathered) => statusOf(all, at).subscribers[0];

test('a subscriber at the newest tick with no new events has no lag', () => {
  expect(euOf(gathered())).toMatchObject({ state: 'running', tick: 9, lag_ms: 0, lag_ticks: 0, error: null });
  expect(statusOf(gathered(), at).ok).toBe(true);
});

test('lag counts from the first tick it lacks, or from the newest when only events wait', () => {
  const position = { ...subscriber.position, tick: 6 } as NonNullable<SubscriberOverview['position']>;
  expect(euOf(gathered({ overview: { position }, behindMs: 1234 }))).toMatchObject({ lag_ms: 1234, lag_ticks: 3 });
  expect(euOf(gathered({}, { newEvents: 4 }))).toMatchObject({ lag_ms: 1000, lag_ticks: 0 });
});

test.each<[string, Parameters<typeof gathered>[0], string, boolean]>([
  ['paused', { overview: { paused: true } }, 'paused', true],
  [
    'stopped by an error',
    { overview: { replay: { state: 'stopped', errorCode: 'conflict', errorMessage: 'x', ageMs: 9 } } },
    'stopped',
    false,
  ],
  [
    'silent',
    { overview: { replay: { state: 'running', errorCode: null, errorMessage: null, ageMs: 60_000 } } },
    'stopped',
    false,
  ],
  ['never started', { overview: { replay: null } }, 'stopped', false],
  [
    'unreachable',
    { database: { kind: 'fault', fault: { code: 'database-unreachable', message: 'no' } } },
    'unreachable',
    false,
  ],
  ['far away and silent', { database: { kind: 'absent' } }, 'unreachable', false],
])('a subscriber that is %s says so', (_name, one, state, ok) => {
  expect(euOf(gathered(one))?.state).toBe(state);
  expect(statusOf(gathered(one), at).ok).toBe(ok);
});

test('a table held, a problem of capture and a service that is silent make the whole not well', () => {
  const held = { ...subscriber.tables[0], state: 'held' } as SubscriberOverview['tables'][number];
  expect(statusOf(gathered({ overview: { tables: [held] } }), at).ok).toBe(false);
  const lacking = { ...held, state: 'catching-up', error: 'lacks a column' } as typeof held;
  expect(statusOf(gathered({ overview: { tables: [lacking] } }), at).ok).toBe(false);
  const tables = provider.tables.map((t) => ({ ...t, problem: 'its trigger is disabled' }));
  expect(statusOf(gathered({}, { tables }), at)).toMatchObject({
    ok: false,
    provider: { problems: [{ table: 'public.entry' }] },
  });
  const silent = statusOf(gathered({}, { services: [] }), at);
  expect(silent.ok).toBe(false);
  expect(silent.provider.services.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
});

test('a copy shows its progress by the estimate of the provider, never as done', () => {
  const copying = (copiedRows: number) =>
    euOf(
      gathered({
        overview: {
          tables: [{ ...subscriber.tables[0], state: 'copying', copiedRows } as SubscriberOverview['tables'][number]],
        },
      }),
    )?.tables[0];
  expect(copying(50)).toMatchObject({ name: 'public.entry', state: 'copying', copied_rows: 50, copy_progress: 25 });
  expect(copying(5000)?.copy_progress).toBe(99);
});

test('a provider that is not configured here is no fault, one that cannot be reached is', () => {
  const fault = { code: 'database-unreachable', message: 'no answer' };
  expect(statusOf({ ...gathered(), provider: { kind: 'absent' } }, at)).toMatchObject({
    ok: true,
    provider: { tick: null },
  });
  expect(statusOf({ ...gathered(), provider: { kind: 'fault', fault } }, at)).toMatchObject({
    ok: false,
    provider: { error: fault },
  });
});

test('a subscriber that has applied what this provider never made is stopped, whatever its replay says', () => {
  expect(euOf(gathered({ hasOtherHistory: true }))).toMatchObject({
    state: 'stopped',
    error: { code: 'provider-history', message: expect.stringMatching(/tick 9, which this provider never made/) },
  });
});

test('a subscriber whose consumer is gone or was moved is not fine, and that is named before what follows from it', () => {
  for (const keptFrom of [null, 8]) {
    const record = { name: 'eu', tick: 7, fingerprint: 'e'.repeat(32), reportedAt: null, keptFrom };
    expect(statusOf(gathered({ hasOtherHistory: true }, { subscribers: [record] }), at)).toMatchObject({
      ok: false,
      subscribers: [{ error: { code: 'position', message: expect.stringMatching(/^its consumer millrace\.eu in/) } }],
    });
  }
});
