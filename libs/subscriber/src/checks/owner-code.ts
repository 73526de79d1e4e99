import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { runQuery } from '../statements.ts';

/** Whose code runs when rows of a table are written. */
export interface OwnerCode {
  /** Quoted. */
  readonly owner: string;
  readonly ownerOid: string;
  /** Nothing is gained by acting as the owner: it is our role, can act as it, or is a superuser. */
  readonly own: boolean;
  readonly isMember: boolean;
  /** Our role may run statements as the owner. */
  readonly may: boolean;
  /** Names of what runs. */
  readonly names: readonly string[];
  /** Some of it runs already when a value is read. */
  readonly nested: boolean;
}

interface Row extends Omit<OwnerCode, 'names' | 'isMember' | 'ownerOid'> {
  readonly owner_oid: string;
  readonly member: boolean;
  readonly code: string;
}

/** `replica`: triggers and rules of the ordinary kind stay silent. Undefined: there is no such table. */
export async function readOwnerCode(
  client: Queryable,
  table: TableName,
  replica: boolean,
): Promise<OwnerCode | undefined> {
  const [row] = await runQuery<Row>(client, 'owner_code', [table.schema, table.name, replica]);
  if (row === undefined) return undefined;
  const { owner, own, may, nested } = row;
  return { owner, ownerOid: row.owner_oid, own, may, isMember: row.member, nested, names: JSON.parse(row.code) };
}
