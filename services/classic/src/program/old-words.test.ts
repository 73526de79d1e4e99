import { expect, it } from 'vitest';
import { inOldWords } from './old-words.ts';

it('advises what can be typed', () => {
  expect(inOldWords('x; run `millrace remove public.entry` there')).toBe(
    'x; run `subscriber remove public.entry` there',
  );
  expect(inOldWords('`millrace add t --subscriber eu` copies')).toBe('`subscriber add t` copies');
  expect(inOldWords('run `millrace unregister eu --yes`, then `millrace install`')).toBe(
    'run `subscriber unregister`, then `subscriber install`',
  );
  expect(inOldWords('nothing of ours')).toBe('nothing of ours');
});
