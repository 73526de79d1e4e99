import type { MillraceError } from '@millrace/errors';
import { describe, expect, test } from 'vitest';
import { checkAccess, type GateRules, type Headers, isLoopback } from './gate.ts';
import type { Access } from './route.ts';

const token = 'a-token-of-some-length';
const here: GateRules = { token: undefined, names: ['Millrace.example'], address: '127.0.0.1' };
const beyond: GateRules = { ...here, address: '0.0.0.0' };
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

describe('on this host, without a token', () => {
  test.each([
    ['a probe under any name', 'open', { host: 'evil.example' }, 'passes'],
    [
      'a page of ours',
      'change',
      { ...local, origin: 'http://localhost:7700', 'sec-fetch-site': 'same-origin' },
      'passes',
    ],
    ['curl', 'change', { host: '127.0.0.1:7700' }, 'passes'],
    ['curl by IPv6', 'change', { host: '[::1]:7700' }, 'passes'],
    ['a request without a name', 'change', {}, 'passes'],
    ['a name of ours', 'change', { host: 'millrace.example' }, 'passes'],
    ['a name that was made to lead here', 'read', { host: 'evil.example:7700' }, 'forbidden'],
    ['the same, changing', 'change', { host: 'evil.example', origin: 'http://evil.example' }, 'forbidden'],
    ['a name that only looks like an address', 'read', { host: '127.0.0.1.evil.example' }, 'forbidden'],
    ['a page of another site', 'change', { ...local, origin: 'https://evil.example' }, 'forbidden'],
    ['a page on another port', 'change', { ...local, origin: 'http://localhost:8080' }, 'forbidden'],
    ['a page without an origin', 'change', { ...local, origin: 'null' }, 'forbidden'],
    ['a page that hides its origin', 'change', { ...local, 'sec-fetch-site': 'cross-site' }, 'forbidden'],
  ] as const)('%s', (_title, access, headers, expected) => {
    expect(verdict(access, headers, here)).toBe(expected);
  });
});

test('beyond this host nothing is changed, nor read that is guarded, without a token', () => {
  expect(verdict('read', local, beyond)).toBe('passes');
  expect(verdict('change', local, beyond)).toBe('forbidden');
  expect(verdict('guarded', local, beyond)).toBe('forbidden');
  for (const rules of [here, beyond]) {
    const secured = { ...rules, token };
    expect(verdict('read', local, secured)).toBe('passes');
    expect(verdict('change', local, secured)).toBe('unauthorized');
    expect(verdict('guarded', { ...local, authorization: 'Bearer wrong' }, secured)).toBe('unauthorized');
    expect(verdict('change', { ...local, authorization: `Basic ${token}` }, secured)).toBe('unauthorized');
    expect(verdict('change', { ...local, ...bearer }, secured)).toBe('passes');
    expect(verdict('guarded', { ...local, ...bearer }, secured)).toBe('passes');
  }
});

test('who knows the token may come by any name, but no page of another site may use it', () => {
  const secured = { ...beyond, token };
  expect(verdict('change', { host: 'anything', ...bearer }, secured)).toBe('passes');
  expect(verdict('change', { ...local, ...bearer, origin: 'https://evil.example' }, secured)).toBe('forbidden');
});

test('a token that is not set is never right', () => {
  expect(verdict('change', { ...local, authorization: 'Bearer undefined' }, beyond)).toBe('forbidden');
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
