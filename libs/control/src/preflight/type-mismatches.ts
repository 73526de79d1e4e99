// Whether every value of a type at the provider keeps its text in a type at the subscriber. The bus carries texts, not
// types, and the server rounds or cuts some of them silently: so this is checked before a table is followed.
import { isWider, keepsText } from '@millrace/model';
import type { ColumnDescription } from '@millrace/postgres';

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
export function typeMismatch(from: ColumnDescription, to: ColumnDescription): string | undefined {
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
    if (there === undefined || there.path !== part.path || !keepsText(part, there, part.path !== '')) return mismatch;
    const lacking = part.labels?.find((label) => there.labels?.includes(label) === false);
    if (lacking !== undefined) return `is of an enum that lacks the label ${JSON.stringify(lacking)}`;
  }
  return undefined;
}

/** Why this column does not distinguish rows as it does at the provider; undefined when it does. */
export function keyMismatch(from: ColumnDescription, to: ColumnDescription): string | undefined {
  const [here, there] = [from.parts[0]?.type ?? '', to.parts[0]?.type ?? ''];
  const isSame = here === there || isWider(here, there) || (exact.includes(here) && exact.includes(there));
  if (!isSame) return `is part of the key and compares as ${to.type}, at the provider as ${from.type}`;
  if (from.foldsCase === to.foldsCase) return undefined;
  const [loose, strict] = from.foldsCase ? ['at the provider', 'there'] : ['there', 'at the provider'];
  return `is part of the key and has a collation by which different texts are equal ${loose} and not ${strict}`;
}
