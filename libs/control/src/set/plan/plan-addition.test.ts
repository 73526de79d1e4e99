import { codes } from '@millrace/errors';
import { tableKey } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import { expect, test } from 'vitest';
import type { Candidate } from '../../preflight/check-provider-tables.ts';
import type { Refusal } from '../../preflight/refusals.ts';
import type { AdditionFacts, SubscriberFacts } from './facts.ts';
import { planAddition } from './plan-addition.ts';
import { planResync } from './plan-resync.ts';
import { planSequences } from './plan-sequences.ts';

const entry = { schema: 'public', name: 'entry' };
const id = { name: 'id', type: 'int4', parts: [{ path: '', type: 'int4', mod: -1, labels: null }], foldsCase: false };
const description: TableDescription = {
  kind: 'r',
  partition: false,
  columns: [{ ...id, notNull: true, hasDefault: false, generated: false }],
  uniques: [['id']],
  primary: true,
  missing: [],
  usage: true,
};
const unfit: TableDescription = { ...description, uniques: [], primary: false };
const candidate: Candidate = { table: entry, description, key: ['id'], inSet: false, repair: false };
const refused: Refusal = { code: codes.NOT_REPLICABLE, text: 'public.log cannot be replicated: it has no key' };
const request = { tables: [entry], noCopy: false, create: false };

function subscriber(more: Partial<SubscriberFacts> = {}): SubscriberFacts {
  const descriptions = new Map([[tableKey(entry), description]]);
  return { name: 'eu', isNear: true, followed: [], openCopies: new Map(), descriptions, ...more };
}

function followed(state: 'ok' | 'registered', copyId: number | null = null): SubscriberFacts['followed'] {
  return [{ ...entry, state, copyId, error: null }];
}

function factsOf(checked: Candidate | Refusal, subscribers: readonly SubscriberFacts[]): AdditionFacts {
  const inSet = 'inSet' in checked && checked.inSet;
  return { tables: [{ table: entry, inSet, checked }], subscribers, findings: new Map() };
}

const remote = subscriber({ name: 'us', isNear: false, descriptions: new Map() });

test('a new table is captured, and followed everywhere with a copy', () => {
  const { refusals, missing, tables } = planAddition(factsOf(candidate, [subscriber(), remote]), request);
  expect([refusals, missing]).toEqual([[], []]);
  expect(tables).toMatchObject([{ capture: true, isChanged: true, after: ['public.entry: added for eu, us'] }]);
  expect(tables[0]?.steps.map(({ subscriber: name, step }) => [name, step])).toEqual([
    ['eu', 'follow'],
    ['us', 'follow'],
  ]);
});

test('a table that is in place everywhere is left alone, even where its columns differ by now', () => {
  const there = subscriber({ followed: followed('ok'), descriptions: new Map([[tableKey(entry), unfit]]) });
  const { refusals, tables } = planAddition(factsOf({ ...candidate, inSet: true }, [there]), request);
  expect(refusals).toEqual([]);
  expect(tables).toMatchObject([{ capture: false, isChanged: false, after: ['public.entry: nothing to do'] }]);
});

test('a table that cannot be replicated refuses all when it was named, and is skipped with --all', () => {
  expect(planAddition(factsOf(refused, [subscriber()]), request)).toMatchObject({ refusals: [refused], tables: [] });
  const all = planAddition(factsOf(refused, [subscriber()]), { ...request, tables: undefined });
  expect(all).toMatchObject({ refusals: [], tables: [], notes: [`skipped: ${refused.text}`] });
});

test('what does not fit at a subscriber refuses all before anything is done', () => {
  const there = subscriber({ descriptions: new Map([[tableKey(entry), unfit]]) });
  const { refusals, tables } = planAddition(factsOf(candidate, [there]), request);
  expect(tables).toEqual([]);
  expect(refusals.map(({ code, text }) => [code, text])).toEqual([
    [codes.SUBSCRIBER_SCHEMA, 'eu: public.entry has no unique index on the key (id)'],
  ]);
});

test('a missing table is refused, or made first and then copied whatever its state was', () => {
  const there = subscriber({ followed: followed('ok'), descriptions: new Map() });
  const facts = factsOf({ ...candidate, inSet: true }, [there]);
  expect(planAddition(facts, request).refusals.map(({ text }) => text)).toEqual([
    'eu: public.entry does not exist there; create it, or use --create',
  ]);
  const { missing, tables } = planAddition(facts, { ...request, create: true });
  expect(missing.map((one) => one.subscriber)).toEqual(['eu']);
  expect(tables[0]?.steps.map(({ step }) => step)).toEqual(['copy-again']);
});

test('errors of the doctor refuse all, its warnings are noted', () => {
  const found = { check: 'c', side: 'subscriber eu', object: 'role app', message: 'lacks a right', fix: null } as const;
  const facts = (level: 'error' | 'warning') => ({
    ...factsOf(candidate, [subscriber()]),
    findings: new Map([['eu', [{ ...found, level }]]]),
  });
  expect(planAddition(facts('error'), request).refusals.map(({ text }) => text)).toEqual([
    'eu: role app lacks a right',
  ]);
  expect(planAddition(facts('warning'), request)).toMatchObject({
    refusals: [],
    notes: ['warning: subscriber eu: role app lacks a right'],
  });
});

test('a remote subscriber that needs a new copy has to be put right on its own host first', () => {
  const stale = { ...remote, followed: followed('ok') };
  const { refusals } = planAddition(factsOf(candidate, [stale]), request);
  expect(refusals.map(({ code }) => code)).toEqual([codes.CONFIG]);
});

test('resync: what is followed is copied again, and a copy on its way is only reported', () => {
  const waiting = subscriber({
    name: 'us',
    followed: followed('registered', 7),
    openCopies: new Map([[tableKey(entry), 7]]),
  });
  const facts = factsOf({ ...candidate, inSet: true }, [subscriber({ followed: followed('ok') }), waiting]);
  const { refusals, tables } = planResync(facts, { all: false });
  expect(refusals).toEqual([]);
  expect(tables[0]?.steps.map(({ subscriber: name, step }) => [name, step])).toEqual([['eu', 'copy-again']]);
  expect(tables[0]?.before).toEqual(['public.entry: its copy for us is on its way']);
  expect(tables[0]?.after).toEqual(['public.entry: copied again for eu']);
});

test('resync: a table that is not in the set, or not followed where it was named, is refused', () => {
  const unknown = planResync(factsOf(candidate, [subscriber()]), { all: false });
  expect(unknown.refusals.map(({ code }) => code)).toEqual([codes.NOT_FOUND]);
  const facts = factsOf({ ...candidate, inSet: true }, [subscriber()]);
  expect(planResync(facts, { all: false }).refusals.map(({ text }) => text)).toEqual([
    'eu does not follow public.entry; `millrace add public.entry --subscriber eu` copies it there',
  ]);
  expect(planResync(facts, { all: true })).toMatchObject({ refusals: [], tables: [{ steps: [], isChanged: false }] });
});

test('sequences: one that a subscriber lacks refuses all, or is skipped; one that is named twice is captured once', () => {
  const good = { sequence: entry, inSet: false, atProvider: undefined, atSubscribers: [] };
  const bad = { ...good, atSubscribers: [{ code: codes.NOT_FOUND, text: 'subscriber eu: there is no sequence x' }] };
  expect(planSequences([good, bad], false).refusals).toHaveLength(1);
  expect(planSequences([good, bad], true)).toMatchObject({
    refusals: [],
    notes: ['skipped: subscriber eu: there is no sequence x'],
  });
  expect(planSequences([good, good], false).steps.map(({ capture }) => capture)).toEqual([true, false]);
});
