// Whether every value of a type at the provider keeps its text in a type at the subscriber. The bus carries texts, not
// types, and the server rounds or cuts some of them without a word: so this is asked before a table is followed.
import type { ColumnDescription, TypePart } from './table-description.ts';

/** Digits before the point that a numeric needs for every value of these types. */
const wholeDigits: Readonly<Record<string, number>> = { int2: 5, int4: 10, int8: 19 };

/** Types whose every value another type takes and gives back as the same text, beside itself. */
const wider: Readonly<Record<string, readonly string[]>> = {
  int2: ['int4', 'int8', 'numeric'],
  int4: ['int8', 'numeric'],
  int8: ['numeric'],
  float4: ['float8'],
  jsonb: ['json'],
};

/** Longer is wider. */
const counted: readonly string[] = ['varchar', 'varbit'];
/** More digits of the second are wider; none means six, which is all there are. */
const timed: readonly string[] = ['timestamp', 'timestamptz', 'time', 'timetz'];
/** Types whose values are equal exactly when their texts are. */
const exact: readonly string[] = [
  'int2',
  'int4',
  'int8',
  'oid',
  'bool',
  'uuid',
  'date',
  'bytea',
  'text',
  'varchar',
  'name',
];

/** Why values would be lost or changed; undefined when none would. A piece of a sentence after the column's name. */
export function typeReason(from: ColumnDescription, to: ColumnDescription): string | undefined {
  const mismatch =
    to.type === from.type
      ? `is ${to.type}, which is made of other types at the provider`
      : `is ${to.type}, at the provider ${from.type}`;
  const [whole] = to.parts;
  // The text of anything goes into text.
  if (to.parts.length === 1 && whole?.path === '' && ['text', 'citext'].includes(whole.type)) return undefined;
  if (to.parts.length === 1 && whole?.path === '' && whole.type === 'varchar' && whole.mod < 0) return undefined;
  if (from.parts.length !== to.parts.length) return mismatch;
  for (const [at, part] of from.parts.entries()) {
    const there = to.parts[at];
    if (there === undefined || there.path !== part.path || !takes(there, part)) return mismatch;
    const lacking = part.labels?.find((label) => there.labels?.includes(label) === false);
    if (lacking !== undefined) return `is of an enum that lacks the label ${JSON.stringify(lacking)}`;
  }
  return undefined;
}

/** Why rows could not be told apart by this column as they are at the provider; undefined when they can. */
export function keyReason(from: ColumnDescription, to: ColumnDescription): string | undefined {
  const [here, there] = [from.parts[0]?.type ?? '', to.parts[0]?.type ?? ''];
  const isSame =
    here === there || wider[here]?.includes(there) === true || (exact.includes(here) && exact.includes(there));
  if (!isSame) return `is part of the key and compares as ${to.type}, at the provider as ${from.type}`;
  if (from.foldsCase === to.foldsCase) return undefined;
  const [loose, strict] = from.foldsCase ? ['at the provider', 'there'] : ['there', 'at the provider'];
  return `is part of the key and has a collation by which different texts are equal ${loose} and not ${strict}`;
}

function takes(to: TypePart, from: TypePart): boolean {
  if (to.type !== from.type) {
    if (from.path === '' && wider[from.type]?.includes(to.type) === true)
      return hasRoom(to, wholeDigits[from.type] ?? 0);
    return from.type === 'bpchar' && to.type === 'varchar' && takesMod('varchar', from.mod, to.mod);
  }
  return to.mod < 0 || to.mod === from.mod || takesMod(to.type, from.mod, to.mod);
}

function hasRoom({ type, mod }: TypePart, digits: number): boolean {
  if (type !== 'numeric' || mod < 0) return true;
  const { precision, scale } = numericOf(mod);
  return scale >= 0 && precision - scale >= digits;
}

function takesMod(type: string, from: number, to: number): boolean {
  if (to < 0) return true;
  if (timed.includes(type)) return to >= (from < 0 ? 6 : from);
  if (from < 0) return false;
  if (counted.includes(type)) return to >= from;
  if (type !== 'numeric') return false;
  const [here, there] = [numericOf(from), numericOf(to)];
  return there.scale >= here.scale && there.precision - there.scale >= here.precision - here.scale;
}

/** Precision and scale as numeric keeps them in its modifier; the scale may be negative since PostgreSQL 15. */
function numericOf(mod: number): { precision: number; scale: number } {
  const packed = mod - 4;
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}
