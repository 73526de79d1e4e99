import { codes, MillraceError } from '@millrace/errors';
import type { Op } from '@millrace/model';
import type { RawRecord } from './few/csv-lines.ts';

/**
 * What is left to do for one key after all its lines:
 * insert, update, remove expect the row to be absent, there, there;
 * put and wipe do not know whether it is there.
 */
export const netKinds = ['insert', 'update', 'remove', 'put', 'wipe'] as const;

export type NetKind = (typeof netKinds)[number];

/** One line of a change section: its op, and its fields in the order of the layout (a key-only line has blanks). */
export interface Line {
  readonly op: Op;
  readonly fields: RawRecord;
}

/** The lines that count, by what is to be done with them. */
export type Net = Record<NetKind, RawRecord[]>;

/**
 * The first and the last line of a key decide: the first tells whether the row was there before, the last whether it
 * is there afterwards. Undefined: nothing to do (inserted and deleted in between).
 * `vague`: some line of the key is R or A. Then the first tells nothing: a trigger's nested statement is recorded before
 * the statement it is nested in, so a row may be updated, on record, before it is inserted.
 */
export function netKind(first: Op, last: Op, vague: boolean): NetKind | undefined {
  const isAfter = last === 'I' || last === 'U' || last === 'R';
  if (vague) return isAfter ? 'put' : 'wipe';
  if (first === 'I') return isAfter ? 'insert' : undefined;
  return isAfter ? 'update' : 'remove';
}

/**
 * Net change of a few lines. `keyAt`: places of the key columns in the fields. Only for keys whose values are equal
 * exactly when their texts are; others are netted by the server.
 */
export function netOfLines(lines: readonly Line[], keyAt: readonly number[]): Net {
  const byKey = new Map<string, { first: Op; last: Line; vague: boolean }>();
  for (const line of lines) {
    const key = keyAt.length === 1 ? (line.fields[keyAt[0] ?? 0] ?? '') : keyAt.map((at) => line.fields[at]).join(',');
    const seen = byKey.get(key);
    const vague = line.op === 'R' || line.op === 'A';
    if (seen === undefined) {
      byKey.set(key, { first: line.op, last: line, vague });
    } else {
      seen.last = line;
      seen.vague ||= vague;
    }
  }
  const net: Net = { insert: [], update: [], remove: [], put: [], wipe: [] };
  for (const { first, last, vague } of byKey.values()) {
    const kind = netKind(first, last.op, vague);
    if (kind !== undefined) net[kind].push(last.fields);
  }
  return net;
}

/** The op of a change record, `(U` in its first field. */
export function opOf(record: RawRecord): Op {
  const mark = record[0];
  if (mark === '(I' || mark === '(U' || mark === '(D' || mark === '(R' || mark === '(A') return mark[1] as Op;
  throw new MillraceError(codes.BAD_MESSAGE, 'a change record has an unknown op');
}
