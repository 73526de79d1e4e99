// Whether every value of a type at the provider keeps its text in a type at the subscriber. The bus carries texts, and the
// server rounds or cuts some of them without a word.

/** A plain type: its name in the catalog, and its modifier as the catalog keeps it; -1: none. */
export interface PlainType {
  readonly type: string;
  readonly mod: number;
}

/** fits: no value changes unseen. loses: some would. unknown: types that only their database knows. */
export type TypeFit = 'fits' | 'loses' | 'unknown';

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

/** True for another type that takes every value of the first. */
export function isWider(from: string, to: string): boolean {
  return wider[from]?.includes(to) === true;
}

/** True when every value keeps its text. `inside`: of an element or field, where types must be the same. */
export function keepsText(from: PlainType, to: PlainType, inside: boolean): boolean {
  if (to.type !== from.type) {
    if (!inside && isWider(from.type, to.type)) return fitsDigits(to, wholeDigits[from.type] ?? 0);
    return from.type === 'bpchar' && to.type === 'varchar' && takesMod('varchar', from.mod, to.mod);
  }
  return to.mod < 0 || to.mod === from.mod || takesMod(to.type, from.mod, to.mod);
}

/** The same of types as `format_type` writes them under a bare search path; of a domain, what it is made of. */
export function typeFit(from: string, to: string): TypeFit {
  if (from === to || takesAnyText(to) || (to === 'interval' && from.startsWith(to))) return 'fits';
  if (from.includes('.') || to.includes('.')) return 'unknown';
  const [here, there] = [plain(from), plain(to)];
  if (here.array !== there.array) return 'loses';
  if (keepsText(here, there, here.array)) return 'fits';
  return !here.array && isRefused(here, there) ? 'fits' : 'loses';
}

function takesAnyText(type: string): boolean {
  return type === 'text' || type === 'character varying' || type.endsWith('.citext');
}

/** A value that does not fit is refused with an error: nothing is lost unseen. */
function isRefused(from: PlainType, to: PlainType): boolean {
  const isWhole = (type: string) => wholeDigits[type] !== undefined;
  if (isWhole(to.type)) return isWhole(from.type) || from.type === 'numeric';
  if (to.type !== 'numeric' || to.mod < 0) return false;
  const there = numericOf(to.mod);
  if (isWhole(from.type)) return there.scale >= 0;
  return from.type === 'numeric' && from.mod >= 0 && there.scale >= numericOf(from.mod).scale;
}

function fitsDigits({ type, mod }: PlainType, digits: number): boolean {
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

/** Names that SQL writes otherwise than the catalog. */
const catalogNames: Readonly<Record<string, string>> = {
  smallint: 'int2',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  boolean: 'bool',
  'character varying': 'varchar',
  character: 'bpchar',
  'bit varying': 'varbit',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
};

function plain(text: string): PlainType & { array: boolean } {
  const array = text.endsWith('[]');
  const found = /^([a-z0-9_ ]+?)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?$/.exec(
    (array ? text.slice(0, -2) : text).replaceAll('"', ''),
  );
  if (found === null) return { type: text, mod: -1, array };
  const [, name = '', first, second, zone = ''] = found;
  const type = catalogNames[name + zone] ?? name + zone;
  if (first === undefined) return { type, mod: -1, array };
  return { type, mod: modOf(type, Number(first), Number(second ?? 0)), array };
}

function modOf(type: string, first: number, second: number): number {
  if (type === 'numeric') return ((first << 16) | (second & 0x7ff)) + 4;
  return counted.includes(type) || type === 'bpchar' ? first + 4 : first;
}
