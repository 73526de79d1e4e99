import { type ColumnDescription, kindLabel, type TableDescription } from './table-description.ts';

/** Types whose every value another type takes, beside itself. Everything goes into text. */
const wider: Readonly<Record<string, readonly string[]>> = {
  int2: ['int4', 'int8', 'numeric'],
  int4: ['int8', 'numeric'],
  int8: ['numeric'],
  float4: ['float8'],
  json: ['jsonb'],
  jsonb: ['json'],
};

const textual = ['text', 'varchar', 'bpchar', 'citext', 'name'];

/**
 * Why the subscriber's table cannot take the provider's rows; empty when it can. `key` are the columns by which rows
 * are told apart. Each reason is a piece of a sentence that follows the table's name.
 */
export function compareTables(
  provider: TableDescription,
  subscriber: TableDescription,
  key: readonly string[],
): string[] {
  if (subscriber.kind !== 'r' && subscriber.kind !== 'p') return [`is ${kindLabel(subscriber.kind)} there`];
  const there = new Map(subscriber.columns.map((column) => [column.name, column]));
  const here = new Set(provider.columns.map((column) => column.name));
  const sent = provider.columns.filter((column) => !column.generated);
  return [
    ...sent.flatMap((column) => columnReasons(column, there.get(column.name))),
    ...subscriber.columns.filter((column) => !here.has(column.name)).flatMap(extraReasons),
    ...keyReasons(subscriber, key),
    ...rightReasons(subscriber),
  ];
}

function columnReasons(provider: ColumnDescription, subscriber: ColumnDescription | undefined): string[] {
  const name = JSON.stringify(provider.name);
  if (subscriber === undefined) return [`has no column ${name}`];
  if (subscriber.generated) return [];
  if (isCompatible(provider.base, subscriber.base)) return [];
  return [`column ${name} is ${subscriber.type}, at the provider ${provider.type}`];
}

function isCompatible(from: string, to: string): boolean {
  if (from === to || textual.includes(to)) return to !== 'name' || from === 'name';
  return wider[from]?.includes(to) === true;
}

function extraReasons(column: ColumnDescription): string[] {
  if (!column.notNull || column.hasDefault || column.generated) return [];
  return [`column ${JSON.stringify(column.name)} is not at the provider, NOT NULL and without a default`];
}

function keyReasons(subscriber: TableDescription, key: readonly string[]): string[] {
  const wanted = new Set(key);
  const fits = subscriber.uniques.some((names) => names.length === wanted.size && names.every((n) => wanted.has(n)));
  return fits ? [] : [`has no unique index on the key (${key.join(', ')})`];
}

function rightReasons(subscriber: TableDescription): string[] {
  const schema = subscriber.usage ? [] : ['we may not use its schema'];
  return subscriber.missing.length === 0 ? schema : [...schema, `we lack ${subscriber.missing.join(', ')} on it`];
}
