// What distinguishes the rows of one section: the key's fields of a change line.

const quote = 0x22;
const comma = 0x2c;

/** Distinguishes keys: a number, which is cheapest, where only one text stands for it. */
export type Key = string | number;

/** Where a key begins in most lines: behind the operation. */
const firstField = 3;

/** The key of a change line; undefined when the record has fewer fields. */
export function keyOf(bytes: Buffer, record: { from: number; to: number }, keyAt: readonly number[]): Key | undefined {
  const isFirst = keyAt.length === 1 && keyAt[0] === 1;
  return (isFirst ? numberAt(bytes, record.from + firstField) : undefined) ?? keyText(bytes, record, keyAt);
}

/** A field of 1 to 15 digits, the first of which is not 0. */
function numberAt(bytes: Buffer, from: number): number | undefined {
  if (bytes[from] === 0x30) return undefined;
  let value = 0;
  for (let i = from; i < from + 16; i += 1) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else return i > from && bytes[i] === comma ? value : undefined;
  }
  return undefined;
}

/** The raw fields of the key; undefined when the record has fewer fields. */
function keyText(
  bytes: Buffer,
  { from, to }: { from: number; to: number },
  keyAt: readonly number[],
): string | undefined {
  let field = 0;
  let begin = from;
  let quoted = false;
  let wanted = 0;
  let text = '';
  for (let i = from; i < to; i += 1) {
    const c = bytes[i];
    if (c === quote) quoted = !quoted;
    if (c !== comma || quoted) continue;
    if (field === keyAt[wanted]) {
      const value = bytes.toString('latin1', begin, i);
      wanted += 1;
      if (wanted === keyAt.length) return wanted === 1 ? value : `${text},${value}`;
      text = wanted === 1 ? value : `${text},${value}`;
    }
    field += 1;
    begin = i + 1;
  }
  return undefined;
}
