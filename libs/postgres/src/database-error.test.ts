import { codes, toMillraceError } from '@millrace/errors';
import { describe, expect, it } from 'vitest';
import { databaseError, sqlstateOf, statementError } from './database-error.ts';

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

  it('says condition and names in place of what the server says, whatever the SQLSTATE', () => {
    const where = 'PL/pgSQL function app.refuse() line 1 at RAISE\nSQL statement "SELECT \'secret\'"';
    for (const state of ['22P02', 'P0001', '23514', '42501', '42601', '42P01', '08006', 'ZZ999', 'MR001']) {
      const more = {
        severity: 'ERROR',
        hint: 'secret',
        detail: 'secret',
        where,
        constraint: 'secret',
        column: 'secret',
      };
      const raised = Object.assign(new Error('a secret of mine'), { code: state, ...more });
      for (const error of [
        databaseError(raised, 'applying'),
        statementError(raised, 'reading'),
        toMillraceError(raised),
      ]) {
        expect(error.sentence).not.toContain('secret');
        expect(error.sentence).toContain(`SQLSTATE ${state}`);
        expect(error.sentence).toContain('app.refuse()');
      }
    }
    const bad = server('23502', { schema: 'app', table: 'account', column: 'name', detail: 'secret' });
    expect(databaseError(bad, 'applying').sentence).toBe(
      "applying: not_null_violation (SQLSTATE 23502), table app.account, column name; the log of that database's server has its text",
    );
  });

  it('repeats the sentence of the server for statements without rows, unless it quotes a value', () => {
    expect(statementError(server('42501'), 'reading').sentence).toBe('reading: server says no');
    const own = server('22023', { where: 'PL/pgSQL function millrace.add_table(text) line 3 at RAISE' });
    expect(statementError(own, 'adding').sentence).toBe('adding: server says no');
    expect(statementError(server('22P02'), 'reading').sentence).not.toContain('says no');
  });

  it('leaves out the detail, which may hold values', () => {
    const error = databaseError(server('23505', { detail: 'Key (email)=(secret@x) already exists.' }), 'applying');
    expect(error.sentence).not.toContain('secret');
  });
});
