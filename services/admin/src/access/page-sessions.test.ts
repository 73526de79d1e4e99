import { pageLink } from '@millrace/config';
import { expect, test, vi } from 'vitest';
import { PageSessions } from './page-sessions.ts';

const token = 'a-token-of-some-length';
const codeOf = (now = Date.now(), key = token): string =>
  new URL(pageLink('http://127.0.0.1:7700', key, now)).searchParams.get('code') ?? '';

test('a link opens one session, whose cookie no script and no other site can use', () => {
  const sessions = new PageSessions();
  const code = codeOf();
  const cookie = sessions.enter(code, token, 7700) ?? '';
  expect(cookie).toMatch(/^millrace-7700=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(sessions.enter(code, token, 7700)).toBeUndefined();
  const [pair = ''] = cookie.split(';');
  expect(sessions.has(`other=1; ${pair}; more=2`)).toBe(true);
  expect(sessions.has(pair.slice(0, -1))).toBe(false);
  expect(sessions.has(undefined)).toBe(false);
  expect(new PageSessions().has(pair)).toBe(false);
});

test('a session ends', () => {
  const sessions = new PageSessions();
  const [pair] = (sessions.enter(codeOf(), token, 1) ?? '').split(';');
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 13 * 3_600_000);
  expect(sessions.has(pair)).toBe(false);
  vi.restoreAllMocks();
});

test.each([
  ['of another token', codeOf(Date.now(), 'another-token-of-some-length')],
  ['that is too old', codeOf(Date.now() - 601_000)],
  ['that was given a longer life', codeOf(Date.now() + 60_000)],
  ['that was altered', codeOf().replace(/^\d/, (digit) => String((Number(digit) + 1) % 10))],
  ['that is none', 'x'],
])('a link %s opens nothing', (_what, code) => {
  expect(new PageSessions().enter(code, token, 7700)).toBeUndefined();
});
