import { type TableName, tableLabel } from '@millrace/model';
import type { CheckRow, Queryable } from '@millrace/postgres';
import { type OwnerCode, readOwnerCode } from './owner-code.ts';

/** Named in one finding; more are counted. */
const maxNamedTables = 20;

interface Trusted {
  readonly table: TableName;
  readonly code: OwnerCode;
}

/**
 * Check `table-owners`: whose code runs with the rights of replay when rows of these tables are written. One finding for each owner
 * that replay may not act as, with the grant to type; one for each table that this does not help.
 */
export async function tableOwners(
  client: Queryable,
  tables: readonly TableName[],
  replica: boolean,
): Promise<CheckRow[]> {
  const trusted: Trusted[] = [];
  for (const table of tables) {
    const code = await readOwnerCode(client, table, replica);
    if (code !== undefined && !code.own && code.names.length > 0) trusted.push({ table, code });
  }
  const { rows } = await client.query(`SELECT quote_ident(current_user) AS me, quote_ident(current_database()) AS here,
    current_setting('server_version_num')::int >= 160000 AS options`);
  const { me, here, options } = rows[0] ?? {};
  const how = options === true ? ' WITH INHERIT FALSE, SET TRUE' : '';
  const grantOf = ({ isMember, owner }: OwnerCode) =>
    isMember ? `GRANT TEMPORARY ON DATABASE ${here} TO ${owner}` : `GRANT ${owner} TO ${me}${how}`;
  const byOwner = Map.groupBy(
    trusted.filter(({ code }) => !code.may),
    ({ code }) => code.owner,
  );
  return [
    ...[...byOwner].map(([owner, of]): CheckRow => {
      const named = of
        .slice(0, maxNamedTables)
        .map(({ table, code }) => `${tableLabel(table)}: ${code.names.join(', ')}`);
      const more = of.length > named.length ? `; and ${of.length - named.length} more tables` : '';
      return {
        level: 'warning',
        object: `role ${owner}`,
        message: `is trusted: what it put on its tables runs with the rights of replay, which may not act as ${owner} (${named.join('; ')}${more})`,
        fix: of[0] === undefined ? null : grantOf(of[0].code),
      };
    }),
    ...trusted
      .filter(({ code }) => code.nested)
      .map(
        ({ table, code }): CheckRow => ({
          level: 'warning',
          object: tableLabel(table),
          message: `a check of a domain inside an array, row or range type runs with the rights of replay, whose owner ${code.owner} is trusted: ${code.names.join(', ')}`,
          fix: null,
        }),
      ),
  ];
}
