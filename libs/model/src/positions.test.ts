import { describe, expect, it } from 'vitest';
import { isSameTick, safeInteger } from './positions.ts';

describe('positions', () => {
  it('are the same only with the same fingerprint', () => {
    const a = { tick: 7, fingerprint: '0'.repeat(32) };
    expect(isSameTick(a, { ...a })).toBe(true);
    expect(isSameTick(a, { ...a, fingerprint: '1'.repeat(32) })).toBe(false);
    expect(isSameTick(a, { ...a, tick: 8 })).toBe(false);
  });

  it('refuse numbers that would lie', () => {
    expect(safeInteger('9007199254740991')).toBe(9007199254740991);
    expect(() => safeInteger('9007199254740992')).toThrow(/out of range/);
    expect(() => safeInteger('seven')).toThrow(/out of range/);
  });
});
