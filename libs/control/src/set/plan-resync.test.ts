import { tableStates } from '@millrace/model';
import { expect, test } from 'vitest';
import { planResync } from './plan-resync.ts';

const at = { copyId: 7, error: null, openCopy: 7 };

test.each([
  ['registered', 'nothing'],
  ['copying', 'nothing'],
  ['catching-up', 'anew'],
  ['ok', 'anew'],
  ['held', 'anew'],
] as const)('a table that is %s and whose copy is on its way: %s', (state, expected) => {
  expect(planResync({ ...at, state })).toBe(expected);
});

test('a copy that does not go on, or that nobody makes, is asked for anew', () => {
  expect(planResync({ ...at, state: 'copying', error: 'it does not fit' })).toBe('anew');
  expect(planResync({ ...at, state: 'copying', openCopy: undefined })).toBe('anew');
  expect(planResync({ ...at, state: 'copying', openCopy: 8 })).toBe('anew');
  expect(planResync({ ...at, state: 'registered', openCopy: undefined })).toBe('copy');
});

test('a command that was broken off before the subscriber heard of the copy is finished by repeating it', () => {
  expect(planResync({ ...at, state: 'registered', copyId: undefined })).toBe('expect');
});

test('what is not followed is never copied', () => {
  expect(planResync({ ...at, state: undefined })).toBe('absent');
  for (const state of tableStates) expect(planResync({ ...at, state })).not.toBe('absent');
});
