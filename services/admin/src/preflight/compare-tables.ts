import { keyReason, typeReason } from './compare-types.ts';
import { type ColumnDescription, kindLabel, type TableDescription } from './table-description.ts';

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
  return [
    ...provider.columns.flatMap((column) => columnReasons(column, there.get(column.name), key.includes(column.name))),
    ...subscriber.columns.filter((column) => !here.has(column.name)).flatMap(extraReasons),
    ...keyReasons(subscriber, key),
    ...rightReasons(subscriber),
  ];
}

function columnReasons(
  provider: ColumnDescription,
  subscriber: ColumnDescription | undefined,
  isKey: boolean,
): string[] {
  const name = `column ${JSON.stringify(provider.name)}`;
  if (provider.generated) {
    if (subscriber === undefined || subscriber.generated) return [];
    return [`${name} is generated at the provider and not there, so nothing would fill it; generate or drop it there`];
  }
  if (subscriber === undefined) return [`has no ${name}`];
  if (subscriber.generated) return [`${name} is generated there and not at the provider; make it a plain column`];
  const reason = typeReason(provider, subscriber) ?? (isKey ? keyReason(provider, subscriber) : undefined);
  return reason === undefined ? [] : [`${name} ${reason}`];
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
