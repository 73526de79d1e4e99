import type { Op } from '@millrace/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type NetKind, netKinds, netRows, presentKinds, type RowChange } from './net-change.ts';

const change = (op: Op, ...fields: string[]): RowChange => ({ op, fields });

/** What is to be done with a row after these changes of it. */
function kindOf(sequence: readonly Op[]): NetKind | undefined {
  const net = netRows(
    sequence.map((op) => change(op, '1')),
    [0],
  );
  return netKinds.find((kind) => net[kind].length > 0);
}

test('the first and the last change of a key decide what is done', () => {
  expect(kindOf(['I', 'U'])).toBe('insert');
  expect(kindOf(['I', 'D'])).toBeUndefined();
  expect(kindOf(['U', 'D'])).toBe('delete');
  expect(kindOf(['D', 'I'])).toBe('update');
  expect(kindOf(['U', 'A', 'D'])).toBe('deleteIfPresent');
  expect(kindOf(['U', 'R'])).toBe('upsert');
  const net = netRows([change('I', '1', 'a'), change('U', '2', 'b'), change('U', '1', 'c'), change('D', '2', '')], [0]);
  expect(net).toMatchObject({ insert: [['1', 'c']], delete: [['2', '']], update: [] });
});

test('keys of several columns are distinguished, wherever their columns stand', () => {
  const net = netRows([change('I', '1', 'x', '2'), change('I', '12', 'y', ''), change('D', '1', '', '2')], [0, 2]);
  expect(net).toMatchObject({ insert: [['12', 'y', '']], delete: [] });
});

describe('of any sequence of changes', () => {
  const sequences = fc.array(fc.constantFrom<Op[]>('I', 'U', 'D', 'R', 'A'), { minLength: 1, maxLength: 8 });

  test('the net change leaves the row as the last one does', () => {
    fc.assert(
      fc.property(sequences, (sequence) => {
        const kind = kindOf(sequence);
        const isPresent = ['I', 'U', 'R'].includes(sequence.at(-1) as Op);
        expect(kind !== undefined && presentKinds.includes(kind)).toBe(isPresent);
      }),
    );
  });

  test('it expects the row as the first one does, or nothing of it when R or A is among them', () => {
    fc.assert(
      fc.property(sequences, (sequence) => {
        const kind = kindOf(sequence);
        if (sequence.some((op) => op === 'R' || op === 'A')) expect(['upsert', 'deleteIfPresent']).toContain(kind);
        else expect(['insert', undefined].includes(kind)).toBe(sequence[0] === 'I');
      }),
    );
  });
});
