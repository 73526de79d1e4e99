import { describe, expect, it } from 'vitest';
import { readIni } from './ini.ts';

const read = (text: string, section = 'x') => Object.fromEntries(readIni(text, section, 'a.ini') ?? []);

describe('an INI file', () => {
  it('has sections, keys in any case, both signs, comments and continued values', () => {
    const text = '# first\n; second\n[x]\nA = 1\nb: 2 ; why\nc = a#b;c\n\nd = one\n  two\n[y]\na = 9\n';
    expect(read(text)).toEqual({ a: '1', b: '2', c: 'a#b;c', d: 'one\ntwo' });
    expect(read(text, 'y')).toEqual({ a: '9' });
    expect(readIni(text, 'z', 'a.ini')).toBeUndefined();
  });

  it('puts other values in, also those of [DEFAULT], and keeps a percent sign that means nothing', () => {
    const text = '[DEFAULT]\nhome = /srv\n[x]\njob_name = j\nlog = %(home)s/%(JOB_NAME)s.log\np = 5%%\nq = a%b%\n';
    expect(read(text)).toMatchObject({ log: '/srv/j.log', p: '5%', q: 'a%b%' });
  });

  it('takes Windows line ends and a byte order mark', () => {
    expect(read('\uFEFF[x]\r\na = 1\r\nb =\r\n')).toEqual({ a: '1', b: '' });
  });

  it('is refused with the line and without its text', () => {
    expect(() => read('[x]\npassword hunter2\n')).toThrow('a.ini, line 2 is neither a [section] nor `key = value`');
    expect(() => read('a = 1\n[x]\n')).toThrow('a.ini, line 1 stands before the first [section]');
    expect(() => read('[x]\na = %(b)s\n')).toThrow('a.ini: a refers to %(b)s, which the file does not set');
    expect(() => read('[x]\ndb = user=u password=%(hunter2)s\n')).toThrow(
      'a.ini: db refers to another key by %(…)s, which',
    );
    expect(() => read('[x]\na = %(b)s\nb = %(a)s\n')).toThrow('refers to itself');
  });
});
