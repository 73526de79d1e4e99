import type { MillraceError } from '@millrace/errors';
import { describe, expect, test } from 'vitest';
import { type Access, checkAccess, type GateRules, type Headers, isLoopback } from './gate.ts';

const token = 'a-token-of-some-length';
const hasSession = (cookies: string | undefined) => cookies === 'good';
const here: GateRules = { token, tokenFrom: 'the file', names: ['Millrace.example'], hasSession };
const without: GateRules = { ...here, token: undefined };
const bearer = { authorization: `Bearer ${token}` };

function verdict(access: Access, headers: Headers, rules: GateRules): string {
  try {
    checkAccess(access, headers, rules);
    return 'passes';
  } catch (error) {
    return (error as MillraceError).code;
  }
}

const local = { host: 'localhost:7700' };
const browser = { ...local, cookie: 'good' };

describe.each([
  ['the token', { authorization: `Bearer ${token}` }],
  ['a session', { cookie: 'good' }],
] as const)('with %s', (_what, credentials) => {
  test.each([
    ['curl', 'change', { host: '127.0.0.1:7700' }, 'passes'],
    ['curl by IPv6', 'change', { host: '[::1]:7700' }, 'passes'],
    ['a request without a name', 'change', {}, 'passes'],
    ['a name of ours', 'guarded', { host: 'millrace.example' }, 'passes'],
    [
      'a page of ours',
      'change',
      { ...local, origin: 'http://localhost:7700', 'sec-fetch-site': 'same-origin' },
      'passes',
    ],
    ['a page of another site', 'change', { ...local, origin: 'https://evil.example' }, 'forbidden'],
    ['a page on another port', 'change', { ...local, origin: 'http://localhost:8080' }, 'forbidden'],
    ['a page without an origin', 'change', { ...local, origin: 'null' }, 'forbidden'],
    ['a page that hides its origin', 'change', { ...local, 'sec-fetch-site': 'cross-site' }, 'forbidden'],
    [
      'a page on another port that hides its origin',
      'change',
      { ...local, 'sec-fetch-site': 'same-site' },
      'forbidden',
    ],
  ] as const)('%s', (_title, access, headers, expected) => {
    expect(verdict(access, { ...headers, ...credentials }, here)).toBe(expected);
  });
});

test.each([
  ['a probe under any name', 'open', { host: 'evil.example' }, 'passes'],
  ['a reader', 'read', local, 'passes'],
  ['a name that was made to lead here', 'read', { host: 'evil.example:7700' }, 'forbidden'],
  ['a name that only looks like an address', 'read', { host: '127.0.0.1.evil.example' }, 'forbidden'],
  ['a name that was made to lead here, with a session', 'guarded', { ...browser, host: 'evil.example' }, 'forbidden'],
  ['the same, changing', 'change', { host: 'evil.example', origin: 'http://evil.example' }, 'forbidden'],
  ['what changes', 'change', local, 'unauthorized'],
  ['what is not for everybody', 'guarded', local, 'unauthorized'],
  ['a wrong token', 'guarded', { ...local, authorization: 'Bearer wrong' }, 'unauthorized'],
  ['a token in another form', 'change', { ...local, authorization: `Basic ${token}` }, 'unauthorized'],
  ['an unknown session', 'guarded', { ...local, cookie: 'bad' }, 'unauthorized'],
  ['a session that another page uses to read', 'guarded', { ...browser, 'sec-fetch-site': 'same-site' }, 'forbidden'],
] as const)('without the token, %s', (_title, access, headers, expected) => {
  expect(verdict(access, headers, here)).toBe(expected);
});

test('where there is no token nobody changes anything', () => {
  expect(verdict('read', local, without)).toBe('passes');
  expect(verdict('change', local, without)).toBe('forbidden');
  expect(verdict('guarded', local, without)).toBe('forbidden');
  expect(verdict('change', { ...local, authorization: 'Bearer undefined' }, without)).toBe('forbidden');
});

test('who knows the token may come by any name, but no page of another site may use it', () => {
  expect(verdict('change', { host: 'anything', ...bearer }, here)).toBe('passes');
  expect(verdict('change', { ...local, ...bearer, origin: 'https://evil.example' }, here)).toBe('forbidden');
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['localhost', false],
  ['', false],
])('%s is only of this host: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
