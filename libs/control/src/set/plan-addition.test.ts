import { tableStates } from '@millrace/model';
import { expect, test } from 'vitest';
import { type Addition, needsCopy, planAddition } from './plan-addition.ts';

const here = { inSet: true, broken: false, openCopy: undefined, noCopy: false };

test('a table that is not followed yet waits for a copy, or is followed at once when its rows are equal', () => {
  expect(planAddition({ ...here, state: undefined })).toBe('follow');
  expect(planAddition({ ...here, state: undefined, noCopy: true })).toBe('follow-ok');
});

test.each<[string, Addition]>([
  ['ok', 'nothing'],
  ['copying', 'nothing'],
  ['catching-up', 'nothing'],
  ['held', 'anew'],
  ['registered', 'copy'],
])('adding a table again that is %s: %s', (state, addition) => {
  expect(planAddition({ ...here, state: state as (typeof tableStates)[number] })).toBe(addition);
});

test('a copy that is asked for already is only told again', () => {
  expect(planAddition({ ...here, state: 'registered', openCopy: 7 })).toBe('expect');
});

test('what nobody captured meanwhile is copied anew, whatever the subscriber believes', () => {
  for (const state of ['ok', 'copying', 'catching-up', 'held'] as const) {
    expect(planAddition({ ...here, inSet: false, state })).toBe('anew');
  }
});

test('a table whose changes went by unseen is copied anew', () => {
  for (const state of ['ok', 'copying', 'catching-up', 'held'] as const) {
    expect(planAddition({ ...here, broken: true, state })).toBe('anew');
  }
});

test('a table under copy cannot be declared equal: what was kept for it would be lost', () => {
  for (const state of tableStates) {
    expect(planAddition({ ...here, state, noCopy: true })).toBe(state === 'ok' ? 'nothing' : 'refuse');
  }
});

test('every way of beginning without the rows needs a copy', () => {
  const all: Addition[] = ['follow', 'follow-ok', 'anew', 'copy', 'expect', 'nothing', 'refuse'];
  expect(all.filter(needsCopy)).toEqual(['follow', 'anew', 'copy']);
});
