import { codes } from '@millrace/errors';
import { describe, expect, it } from 'vitest';
import { databaseError, sqlstateOf } from './database-error.ts';

const server = (code: string, more = {}): Error => Object.assign(new Error('server says no'), { code, ...more });

describe('errors of the database', () => {
  it.each([
    ['40P01', codes.DATABASE_BUSY],
    ['40001', codes.DATABASE_BUSY],
    ['55P03', codes.DATABASE_BUSY],
    ['57014', codes.DATABASE_BUSY],
    ['25006', codes.DATABASE_BUSY],
    ['53100', codes.DATABASE_BUSY],
    ['53300', codes.DATABASE_UNREACHABLE],
    ['25P03', codes.DATABASE_UNREACHABLE],
    ['25P04', codes.DATABASE_UNREACHABLE],
    ['57P01', codes.DATABASE_UNREACHABLE],
    ['57P03', codes.DATABASE_UNREACHABLE],
    ['08006', codes.DATABASE_UNREACHABLE],
    ['28P01', codes.PERMISSION],
    ['42501', codes.PERMISSION],
    ['23505', codes.CONSTRAINT],
    ['22P02', codes.BAD_VALUE],
    ['42P01', codes.DATABASE_REFUSED],
    ['3D000', codes.DATABASE_REFUSED],
  ])('maps %s to %s', (state, code) => {
    const error = databaseError(server(state), 'testing');
    expect(error.code).toBe(code);
    expect(error.sqlstate).toBe(state);
    expect(sqlstateOf(error)).toBe(state);
  });

  it('takes a failed socket for an unreachable database', () => {
    expect(databaseError(server('ECONNREFUSED'), 'x').code).toBe(codes.DATABASE_UNREACHABLE);
    expect(databaseError(new Error('Connection terminated unexpectedly'), 'x').code).toBe(codes.DATABASE_UNREACHABLE);
  });

  it('takes a missing socket file, and a COPY whose connection closed, for an unreachable database', () => {
    const noSocket = server('ENOENT', { syscall: 'connect' });
    expect(databaseError(noSocket, 'x').code).toBe(codes.DATABASE_UNREACHABLE);
    expect(databaseError(server('ERR_STREAM_PREMATURE_CLOSE'), 'x').code).toBe(codes.DATABASE_UNREACHABLE);
  });

  it('leaves out the value that the server quotes in its message, and what functions of the application say', () => {
    const bad = Object.assign(new Error('invalid input syntax for type integer: "secret"'), { code: '22P02' });
    expect(databaseError(bad, 'applying').sentence).toBe('applying: invalid input syntax for type integer: "..."');
    const raised = Object.assign(new Error('no secret here'), { code: 'P0001' });
    expect(databaseError(raised, 'applying').sentence).not.toContain('secret');
  });

  it('leaves out the detail, which may hold values', () => {
    const error = databaseError(server('23505', { detail: 'Key (email)=(secret@x) already exists.' }), 'applying');
    expect(error.sentence).not.toContain('secret');
  });
});
