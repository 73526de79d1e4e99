import { tableStates } from '@millrace/model';
import { expect, test } from 'vitest';
import { additionStep, needsCopy, resyncStep, type Step } from './steps.ts';

const here = { inSet: true, broken: false, openCopy: undefined, noCopy: false };

test('a table that is not followed yet waits for a copy, or is followed at once when its rows are equal', () => {
  expect(additionStep({ ...here, state: undefined })).toBe('follow');
  expect(additionStep({ ...here, state: undefined, noCopy: true })).toBe('follow-ok');
});

test.each<[string, Step]>([
  ['ok', 'nothing'],
  ['copying', 'nothing'],
  ['catching-up', 'nothing'],
  ['held', 'copy-again'],
  ['registered', 'request-copy'],
])('adding a table again that is %s: %s', (state, addition) => {
  expect(additionStep({ ...here, state: state as (typeof tableStates)[number] })).toBe(addition);
});

test('a copy that is requested already is only announced again', () => {
  expect(additionStep({ ...here, state: 'registered', openCopy: 7 })).toBe('expect-copy');
});

test('what nobody captured meanwhile is copied again, whatever the subscriber believes', () => {
  for (const state of ['ok', 'copying', 'catching-up', 'held'] as const) {
    expect(additionStep({ ...here, inSet: false, state })).toBe('copy-again');
  }
});

test('a table whose changes went by unseen is copied again', () => {
  for (const state of ['ok', 'copying', 'catching-up', 'held'] as const) {
    expect(additionStep({ ...here, broken: true, state })).toBe('copy-again');
  }
});

test('a table under copy cannot be declared equal: what was kept for it would be lost', () => {
  for (const state of tableStates) {
    expect(additionStep({ ...here, state, noCopy: true })).toBe(state === 'ok' ? 'nothing' : 'refuse');
  }
});

test('every way of beginning without the rows needs a copy', () => {
  const all: Step[] = ['follow', 'follow-ok', 'copy-again', 'request-copy', 'expect-copy', 'nothing', 'refuse'];
  expect(all.filter(needsCopy)).toEqual(['follow', 'copy-again', 'request-copy']);
});

const at = { copyId: 7, error: null, openCopy: 7 };

test.each([
  ['registered', 'nothing'],
  ['copying', 'nothing'],
  ['catching-up', 'copy-again'],
  ['ok', 'copy-again'],
  ['held', 'copy-again'],
] as const)('a table that is %s and whose copy is on its way: %s', (state, expected) => {
  expect(resyncStep({ ...at, state })).toBe(expected);
});

test('a copy that does not go on, or that nobody makes, is requested again', () => {
  expect(resyncStep({ ...at, state: 'copying', error: 'it does not fit' })).toBe('copy-again');
  expect(resyncStep({ ...at, state: 'copying', openCopy: undefined })).toBe('copy-again');
  expect(resyncStep({ ...at, state: 'copying', openCopy: 8 })).toBe('copy-again');
  expect(resyncStep({ ...at, state: 'registered', openCopy: undefined })).toBe('request-copy');
});

test('a command that was interrupted before the subscriber knew of the copy is finished by repeating it', () => {
  expect(resyncStep({ ...at, state: 'registered', copyId: undefined })).toBe('expect-copy');
});

test('what is not followed is never copied', () => {
  expect(resyncStep({ ...at, state: undefined })).toBe('absent');
  for (const state of tableStates) expect(resyncStep({ ...at, state })).not.toBe('absent');
});
