import { MillraceError } from '@millrace/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { busToken, parseTableName, tableKey, tableLabel } from './names.ts';

const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((s) => !s.includes('\0'));

describe('table names', () => {
  it('reads names as SQL does', () => {
    expect(parseTableName('entry')).toEqual({ schema: 'public', name: 'entry' });
    expect(parseTableName('Shop.Entry')).toEqual({ schema: 'shop', name: 'entry' });
    expect(parseTableName('"Shop"."a.b"')).toEqual({ schema: 'Shop', name: 'a.b' });
    expect(parseTableName('"say ""hi"""')).toEqual({ schema: 'public', name: 'say "hi"' });
    expect(parseTableName('straße.ünï$1')).toEqual({ schema: 'straße', name: 'ünï$1' });
  });

  it.each(['', '.', 'a.', '.a', 'a.b.c', '1a', 'a b', '"a', 'a"b"', '""', "a'; drop table x", 'a..b', 'a-b'])(
    'refuses %j as a name',
    (text) => {
      expect(() => parseTableName(text)).toThrow(MillraceError);
    },
  );

  it('reads back every label it writes', () => {
    fc.assert(
      fc.property(part, part, (schema, name) => {
        expect(parseTableName(tableLabel({ schema, name }))).toEqual({ schema, name });
      }),
    );
  });

  it('never gives two tables one key, whatever dots they hold', () => {
    expect(tableKey({ schema: 'a', name: 'b.c' })).not.toBe(tableKey({ schema: 'a.b', name: 'c' }));
  });
});

describe('bus tokens', () => {
  it('are legal and differ for different names', () => {
    fc.assert(
      fc.property(part, part, (a, b) => {
        expect(busToken(a)).toMatch(/^[A-Za-z0-9_=-]+$/);
        expect(busToken(a) === busToken(b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });

  it('leave plain names as they are', () => {
    expect(busToken('shop_eu-1')).toBe('shop_eu-1');
    expect(busToken('londiste.write')).toBe('londiste=2Ewrite');
  });
});
