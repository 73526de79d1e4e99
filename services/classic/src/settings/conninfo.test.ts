import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConninfo } from './conninfo.ts';
import { type Surroundings, urlOf } from './libpq-defaults.ts';
import { passwordFor } from './password-file.ts';

const parse = (text: string) => Object.fromEntries(parseConninfo(text, 'db'));
const bare: Surroundings = {
  env: {},
  account: 'me',
  passwords: undefined,
  services: undefined,
  socketFolder: '/var/run/postgresql',
};
const url = (text: string, around: Partial<Surroundings> = {}) =>
  urlOf(parseConninfo(text, 'db'), 'db', { ...bare, ...around });

describe('a connection string', () => {
  it('is keyword=value, with quotes, backslashes and spaces around the sign', () => {
    expect(parse('dbname=foo host=127.0.0.1 port=5555 user=chry')).toEqual({
      dbname: 'foo',
      host: '127.0.0.1',
      port: '5555',
      user: 'chry',
    });
    expect(parse(String.raw`dbname = 'a b' user=x\ y password='q\'\\ =' options=''`)).toEqual({
      dbname: 'a b',
      user: 'x y',
      password: String.raw`q'\ =`,
      options: '',
    });
    expect(parse('')).toEqual({});
  });

  it('is refused without being repeated', () => {
    for (const text of ['secret', "password='secret", "password='secret'x", 'password=secret host', 'a-b=secret']) {
      expect(() => parse(text)).toThrow(/^db is not a list of keyword=value$/);
    }
  });

  it('may be a URL', () => {
    expect(parse('postgresql://u%40x:p%3Aw@[::1]:5433/my%20db?sslmode=require')).toEqual({
      user: 'u@x',
      password: 'p:w',
      host: '::1',
      port: '5433',
      dbname: 'my db',
      sslmode: 'require',
    });
    expect(parse('postgres:///db?host=/tmp')).toEqual({ dbname: 'db', host: '/tmp' });
  });

  it('says the same after being written with quotes, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('user', 'password', 'dbname', 'host'),
          fc.string({ unit: fc.constantFrom("'", '\\', ' ', '=', '\n', '%', 'a', 'é') }),
        ),
        (values) => {
          const text = Object.entries(values).map(([key, value]) => `${key}='${value.replace(/['\\]/g, '\\$&')}'`);
          expect(parse(text.join(' '))).toEqual(values);
        },
      ),
    );
  });
});

describe('what a connection string leaves out', () => {
  it('is as libpq has it: the account, its database, the local socket', () => {
    expect(url('')).toBe('postgresql://me@%2Fvar%2Frun%2Fpostgresql:5432/me');
    expect(url('dbname=foo host=127.0.0.1 port=5555 user=chry')).toBe('postgresql://chry@127.0.0.1:5555/foo');
    expect(url('host=::1 user=u password=p@:/w')).toBe('postgresql://u:p%40%3A%2Fw@[::1]:5432/u');
  });

  it('comes from the environment, a service, and the password file, in that order', () => {
    const env = { PGHOST: 'h', PGPORT: '6000', PGUSER: 'eve', PGDATABASE: 'd', PGPASSWORD: 'pw', PGSSLMODE: 'disable' };
    expect(url('', { env })).toBe('postgresql://eve:pw@h:6000/d');
    expect(url('host=other', { env })).toBe('postgresql://eve:pw@other:6000/d');
    expect(url('service=s', { services: '[s]\nhost=sh\ndbname=sd\nsslmode=disable\n' })).toBe(
      'postgresql://me@sh:5432/sd',
    );
    expect(url('host=h user=u dbname=d sslmode=disable', { passwords: 'h:5432:d:u:from file\n' })).toBe(
      'postgresql://u:from%20file@h:5432/d',
    );
    expect(() => url('service=none')).toThrow('there is no service "none"');
    expect(() => url('host=a,b')).toThrow('names several hosts');
  });

  it('is refused when it cannot be written as a URL', () => {
    for (const text of ["password='a\ud800'", 'user=\udfff', 'dbname=\ud800', 'host=\ud800']) {
      expect(() => url(text)).toThrow('db holds half of a character');
    }
    expect(() => url('', { env: { PGPASSWORD: '\ud800' } })).toThrow('db holds half of a character');
  });

  it('keeps an encryption that is demanded, and prefers one to none as libpq does', () => {
    const prefers = 'postgresql://u@h:5432/u?uselibpqcompat=true&sslmode=prefer';
    for (const given of ['host=h user=u', 'host=h user=u sslmode=prefer']) expect(url(given)).toBe(prefers);
    expect(url('host=127.0.0.1 user=u sslmode=prefer')).toBe(prefers.replace('@h', '@127.0.0.1'));
    for (const given of ['disable', 'allow'])
      expect(url(`host=h user=u sslmode=${given}`)).toBe('postgresql://u@h:5432/u');
    expect(url('host=/tmp user=u sslmode=prefer')).toBe('postgresql://u@%2Ftmp:5432/u');
    expect(url('host=h user=u sslmode=verify-full sslrootcert=/ca.pem')).toBe(
      'postgresql://u@h:5432/u?uselibpqcompat=true&sslmode=verify-full&sslrootcert=%2Fca.pem',
    );
  });
});

describe('a password file', () => {
  const login = { host: 'h', port: '5432', database: 'd', user: 'u', isDefaultSocket: false };

  it('gives the first line that fits', () => {
    expect(passwordFor('# note\nx:5432:d:u:no\nh:*:*:u:a:b\\\\c\nh:5432:d:u:late\n', login)).toBe('a:b\\c');
    expect(passwordFor('h\\:1:5432:d:u:p', { ...login, host: 'h:1' })).toBe('p');
    expect(passwordFor('localhost:5432:d:u:p', { ...login, host: '/var/run/postgresql', isDefaultSocket: true })).toBe(
      'p',
    );
    expect(passwordFor('h:5432:d:u:\nnonsense\n', login)).toBeUndefined();
  });
});
