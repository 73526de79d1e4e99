// The net change of a key: what is left to do for a row after all its changes in a batch. First the rules, then their two
// renderings: in TypeScript for few rows, in SQL for staged rows. net-change.pg.test.ts compares the two.
import type { Op } from '@millrace/model';
import { quoteIdent } from '@millrace/postgres';
import type { Layout } from './plan/layout.ts';

/** insert, update and delete expect the row to be absent, there, there; the other two do not know whether it is there. */
export const netKinds = ['insert', 'update', 'delete', 'upsert', 'deleteIfPresent'] as const;

export type NetKind = (typeof netKinds)[number];

/**
 * The rules. Rows: whether the row was there before the batch, which the first change of its key says: `no` when that is I.
 * `unknown` when any change of the key is R or A: the order of changes is not known then, for a trigger's nested statement
 * is recorded before the statement that it is nested in, so that a row may be updated, on record, before it is inserted.
 * Columns: whether the last change leaves the row there (I, U, R) or not (D, A). Undefined: nothing is to be done.
 */
const rules = {
  no: { present: 'insert', absent: undefined },
  yes: { present: 'update', absent: 'delete' },
  unknown: { present: 'upsert', absent: 'deleteIfPresent' },
} as const satisfies Record<string, Rule>;

interface Rule {
  readonly present: NetKind;
  readonly absent: NetKind | undefined;
}

/** The ops after which a row is there. */
const presentOps: readonly Op[] = ['I', 'U', 'R'];

/** The kinds after which a row is there. */
export const presentKinds: readonly NetKind[] = Object.values(rules).map(({ present }) => present);

/** The op of a key's only change, by the kind to which it leads. */
export const onlyOpOf: Readonly<Record<NetKind, Op>> = {
  insert: 'I',
  update: 'U',
  delete: 'D',
  upsert: 'R',
  deleteIfPresent: 'A',
};

// In TypeScript, for few rows.

/** One change of a row: its op, and its fields in the order of the layout (a change that has only the key has blanks). */
export interface RowChange {
  readonly op: Op;
  readonly fields: readonly string[];
}

/** The fields of the last change of each key, by what is to be done with them. */
export type NetRows = Record<NetKind, (readonly string[])[]>;

interface KeyChanges {
  readonly first: Op;
  last: RowChange;
  isOrderUnknown: boolean;
}

/**
 * Net change of a few rows. `keyAt`: places of the key columns in the fields. Only for keys whose values are equal exactly
 * when their texts are; the server nets the others.
 */
export function netRows(changes: readonly RowChange[], keyAt: readonly number[]): NetRows {
  const byKey = new Map<string, KeyChanges>();
  for (const change of changes) {
    const { op, fields } = change;
    const key = keyAt.length === 1 ? (fields[keyAt[0] ?? 0] ?? '') : keyAt.map((at) => fields[at]).join(',');
    const isOrderUnknown = op === 'R' || op === 'A';
    const known = byKey.get(key);
    if (known === undefined) {
      byKey.set(key, { first: op, last: change, isOrderUnknown });
    } else {
      known.last = change;
      known.isOrderUnknown ||= isOrderUnknown;
    }
  }
  const net: NetRows = { insert: [], update: [], delete: [], upsert: [], deleteIfPresent: [] };
  for (const key of byKey.values()) {
    const kind = netKind(key);
    if (kind !== undefined) net[kind].push(key.last.fields);
  }
  return net;
}

function netKind({ first, last, isOrderUnknown }: KeyChanges): NetKind | undefined {
  const rule: Rule = rules[isOrderUnknown ? 'unknown' : first === 'I' ? 'no' : 'yes'];
  return presentOps.includes(last.op) ? rule.present : rule.absent;
}

// In SQL, for staged rows. An op is a number in the low bits of a mark whose high bits are the sequence of its change: so the
// lowest and the highest mark of a key hold its first and its last op. The ops of a key are a set of bits, one for each number.

const opNumbers: Readonly<Record<Op, number>> = { I: 1, U: 2, D: 3, R: 4, A: 5 };
const unknownOpNumber = 0;
const opBits = 3;
const opMask = (1 << opBits) - 1;
/** R and A have the highest numbers: a set that holds one of them is not less than this. */
const orderUnknownFrom = 1 << opNumbers.R;
const unknownOpBit = 1 << unknownOpNumber;

// In the order of how frequent they are.
const opSql = `CASE _op ${(['U', 'I', 'D', 'R', 'A'] as const).map((op) => `WHEN '(${op}' THEN ${opNumbers[op]}`).join(' ')} ELSE ${unknownOpNumber} END`;

/** Where the server nets row changes. */
export interface NetTables {
  /** Row changes as they came: `_op`, fields, `_end`, `_seq`. */
  readonly stage: string;
  /** The net change: one row for each key that has something to do. */
  readonly net: string;
}

/** One row for each key of the stage. f: its first op, l: its last mark, ops: set of its ops, n: number of its changes. */
function perKey({ key }: Layout, { stage }: NetTables): string {
  const keys = key.map(({ column }) => quoteIdent(column.name)).join(', ');
  return `SELECT min(_seq * ${1 << opBits} + op) & ${opMask} AS f, max(_seq * ${1 << opBits} + op) AS l, bit_or(1 << op) AS ops, count(*) AS n
    FROM (SELECT ${keys}, _seq, ${opSql} AS op FROM ${stage}) m GROUP BY ${keys}`;
}

const isPresentSql = `l & ${opMask} IN (${presentOps.map((op) => opNumbers[op]).join(', ')})`;

function ruleSql({ present, absent }: Rule): string {
  return `CASE WHEN ${isPresentSql} THEN '${present}'${absent === undefined ? '' : ` ELSE '${absent}'`} END`;
}

const kindSql = `CASE WHEN ops >= ${orderUnknownFrom} THEN ${ruleSql(rules.unknown)}
    WHEN f = ${opNumbers.I} THEN ${ruleSql(rules.no)}
    ELSE ${ruleSql(rules.yes)} END`;

const beforeSql = `CASE WHEN ops >= ${orderUnknownFrom} THEN 'unknown' WHEN f = ${opNumbers.I} THEN 'no' ELSE 'yes' END`;

const countsSql = `SELECT count(*) AS keys, coalesce(sum(n), 0) AS lines, count(*) FILTER (WHERE ops & ${unknownOpBit} = ${unknownOpBit}) AS bad,
  ${netKinds.map((kind) => `count(*) FILTER (WHERE k = '${kind}') AS "${kind}"`).join(', ')}`;

/** What a survey of a stage counts: keys, row changes, keys with an unknown op, and keys of each kind. */
export type NetCounts = Readonly<Record<NetKind | 'keys' | 'lines' | 'bad', number>>;

/** Counts what is staged, in one row: `NetCounts`. */
export function surveySql(layout: Layout, tables: NetTables): string {
  return `${countsSql} FROM (SELECT ops, n, ${kindSql} AS k FROM (${perKey(layout, tables)}) g) g`;
}

/** The same, and fills the net table if some key has several row changes: the keys are gathered once for both. */
export function surveyAndFillSql(layout: Layout, tables: NetTables): string {
  return `WITH g AS MATERIALIZED (SELECT *, ${kindSql} AS k FROM (${perKey(layout, tables)}) g),
      filled AS (INSERT INTO ${tables.net} (_seq, _kind, _before) SELECT l >> ${opBits}, k, ${beforeSql} FROM g
        WHERE (SELECT count(*) < sum(n) FROM g))
    ${countsSql} FROM g`;
}

/** Fills the net table from the stage. `_before`: yes, no or unknown. */
export function fillNetSql(layout: Layout, tables: NetTables): string {
  return `INSERT INTO ${tables.net} (_seq, _kind, _before)
    SELECT l >> ${opBits}, ${kindSql}, ${beforeSql}
    FROM (${perKey(layout, tables)}) g`;
}

/** Empties what a survey filled. */
export function emptyNetSql({ net }: NetTables): string {
  return `TRUNCATE ${net}`;
}
