import type { NotedComparison } from '@millrace/control/sides';
import { expect, test } from 'vitest';
import { dueComparisons } from './due-comparisons.ts';

const hour = 3_600_000;
const now = Date.parse('2026-01-01T12:00:00Z');
const [a, b] = [
  { schema: 'public', name: 'a' },
  { schema: 'public', name: 'b' },
];

function noted(subscriber: string, table: typeof a, minutesAgo: number): NotedComparison {
  const numbers = { tick: 1, rows: 1, missing: 0, extra: 0, different: 0 };
  const comparedAt = new Date(now - minutesAgo * 60_000).toISOString();
  return { subscriber, ...table, state: 'equal', reason: null, ...numbers, comparedAt };
}

function due(comparisons: NotedComparison[], tried: Record<string, number> = {}) {
  const question = { names: ['eu', 'us'], tables: [a, b], everyMs: hour, tried: new Map(Object.entries(tried)), now };
  return dueComparisons({ comparisons }, question);
}

test('what was never compared is due, for all subscribers together', () => {
  expect(due([])).toEqual([{ subscribers: ['eu', 'us'], tables: [a, b] }]);
});

test('what was compared lately is not due; the rest is, for each subscriber its own', () => {
  const comparisons = [noted('eu', a, 10), noted('eu', b, 70), noted('us', a, 70), noted('us', b, 59)];
  expect(due(comparisons)).toEqual([
    { subscribers: ['eu'], tables: [b] },
    { subscribers: ['us'], tables: [a] },
  ]);
});

test('a subscriber that could not be compared is tried again after the same time', () => {
  expect(due([], { eu: now - hour / 2 })).toEqual([{ subscribers: ['us'], tables: [a, b] }]);
  expect(due([], { eu: now - hour })).toEqual([{ subscribers: ['eu', 'us'], tables: [a, b] }]);
});
