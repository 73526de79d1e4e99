import { describe, expect, it } from 'vitest';
import { verdictOf } from './error-policy.ts';
import { codes, MillraceError } from './millrace-error.ts';

describe('the error policy', () => {
  it('retries what passes without help and stops for the rest', () => {
    const retried = Object.values(codes).filter((code) => verdictOf(new MillraceError(code, 'x')).action === 'retry');
    expect(retried.sort()).toEqual([
      'bus-unavailable',
      'database-busy',
      'database-unreachable',
      'not-leader',
      'timeout',
    ]);
  });

  it('takes an unknown error for a defect and stops', () => {
    expect(verdictOf(new Error('boom'))).toMatchObject({
      action: 'stop',
      code: 'internal',
      sentence: 'boom',
      exitCode: 1,
    });
    expect(verdictOf('thrown text')).toMatchObject({ action: 'stop', code: 'internal', sentence: 'thrown text' });
  });

  it('ends a command with 2 only for wrong usage or configuration', () => {
    for (const code of Object.values(codes)) {
      expect(verdictOf(new MillraceError(code, 'x')).exitCode).toBe(code === 'usage' || code === 'config' ? 2 : 1);
    }
  });

  it('adds the advice to the sentence', () => {
    const error = new MillraceError(codes.CONFIG, 'no provider', { advice: 'add provider.url' });
    expect(verdictOf(error).sentence).toBe('no provider; add provider.url');
  });
});
