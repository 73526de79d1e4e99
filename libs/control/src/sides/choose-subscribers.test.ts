import { expect, test } from 'vitest';
import { chooseSubscribers } from './choose-subscribers.ts';

test('without names all are meant, and names may stand in one word', () => {
  expect(chooseSubscribers([], ['eu', 'us'])).toEqual(['eu', 'us']);
  expect(chooseSubscribers(['us,eu', 'us'], ['eu', 'us'])).toEqual(['us', 'eu']);
});

test.each([
  [[''], /names no subscriber/],
  [[','], /names no subscriber/],
  [['asia'], /unknown subscriber "asia"; there is eu, us/],
])('%j is wrong usage', (named, message) => {
  expect(() => chooseSubscribers(named, ['eu', 'us'])).toThrow(message);
});
