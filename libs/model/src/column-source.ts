// What an event, a section and a copy carry of their columns at the provider beside the names: number and type of each, as
// ` 16421:1i,2v20,3"public.grade"`. Written by millrace.capture_numbers and millrace.type_code at the provider.

/** A column at the provider. */
export interface SourceColumn {
  /** `pg_attribute.attnum`: a renaming leaves it alone. */
  readonly number: number;
  /** As `format_type` writes it under a bare search path; null: not carried (events of older triggers). */
  readonly type: string | null;
  /** What a domain is made of; of any other type the same as `type`. */
  readonly base: string | null;
}

export interface ColumnSource {
  /** Oid of the table in which the numbers count. */
  readonly relation: string;
  readonly columns: readonly SourceColumn[];
}

const letters: Readonly<Record<string, string>> = {
  i: 'integer',
  l: 'bigint',
  s: 'smallint',
  t: 'text',
  b: 'boolean',
  n: 'numeric',
  v: 'character varying',
  c: 'character',
  u: 'uuid',
  Z: 'timestamp with time zone',
  T: 'timestamp without time zone',
  D: 'date',
  j: 'jsonb',
  J: 'json',
  y: 'bytea',
  r: 'real',
  d: 'double precision',
};

const quoted = '"(?:[^"\\\\]|\\\\.)*"';
const code = `[A-Za-z][0-9.-]*|${quoted}`;
const names = new RegExp(`^\\[(?:${quoted}|null|,)*\\]`);
const head = / ?(\d{1,10}):/y;
const item = new RegExp(`(\\d{1,5})(?:(${code})(?:=(${code}))?)?(?:,|$)`, 'y');

/** Splits what an event carries into the JSON list of names, and the rest, which may be empty. */
export function splitColumns(text: string): { names: string; source: string } {
  const list = names.exec(text)?.[0] ?? text;
  return { names: list, source: text.slice(list.length).trimStart() };
}

/** Undefined for a text that is not of this form, or does not describe `count` columns, or not the number of one of them. */
export function parseSource(text: string, count: number): ColumnSource | undefined {
  head.lastIndex = 0;
  const relation = head.exec(text)?.[1];
  if (relation === undefined) return undefined;
  const columns: SourceColumn[] = [];
  item.lastIndex = head.lastIndex;
  while (item.lastIndex < text.length) {
    const found = item.exec(text);
    if (found === null || found[1] === '0') return undefined;
    const [type, base] = [typeOf(found[2]), typeOf(found[3])];
    if (type === undefined || base === undefined) return undefined;
    columns.push({ number: Number(found[1]), type, base: base ?? type });
  }
  return columns.length === count ? { relation, columns } : undefined;
}

/** null: not carried; undefined: not readable. */
function typeOf(text: string | undefined): string | null | undefined {
  if (text === undefined) return null;
  if (text.startsWith('"')) return unquoted(text);
  const name = letters[text.slice(0, 1)] ?? text.slice(0, 1);
  return text.length === 1 ? name : `${name}(${text.slice(1).replace('.', ',')})`;
}

function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
