// Everything that `add` and `resync` must know before they decide, read from the provider and from every subscriber.
import { sameTable, type TableName, tableKey } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import { type ProviderOverview, userTables } from '@millrace/provider';
import { examineAddition } from '../doctor/examine-addition.ts';
import type { DoctorFinding } from '../doctor/report.ts';
import { checkProviderTables, isCandidate } from '../preflight/check-provider-tables.ts';
import { tableDescriptions } from '../preflight/table-description.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { AdditionFacts, SetFacts, SubscriberFacts } from './plan/facts.ts';
import { type AdditionRequest, isInPlace } from './plan/plan-addition.ts';
import type { Target } from './targets.ts';

/** The databases that are read: the provider, with what it knew when the set was locked, and subscribers. */
export interface SetSides {
  readonly provider: ProviderSide;
  readonly overview: ProviderOverview;
  readonly targets: readonly Target[];
}

/** Reads what decides about the tables of the request at these subscribers. Changes nothing. */
export async function readAddition(sides: SetSides, request: AdditionRequest): Promise<AdditionFacts> {
  const facts = await readFacts(sides, request.tables ?? (await sides.provider.side.run(userTables)));
  const candidates = facts.tables.map(({ checked }) => checked).filter(isCandidate);
  const findings = new Map<string, readonly DoctorFinding[]>();
  for (const { side, name, tables: followed } of sides.targets) {
    const subscriber = facts.subscribers.find((one) => one.name === name);
    if (side === undefined || subscriber === undefined) continue;
    const tables = candidates.filter((one) => !isInPlace(one, subscriber, request)).map(({ table }) => table);
    if (tables.length > 0) findings.set(name, await examineAddition(side, { tables, followed }));
  }
  return { ...facts, findings };
}

/** Reads what decides about copying these tables again; undefined: all tables of the set. Changes nothing. */
export async function readResync(sides: SetSides, tables: readonly TableName[] | undefined): Promise<SetFacts> {
  return readFacts(sides, tables ?? sides.overview.tables);
}

async function readFacts(sides: SetSides, tables: readonly TableName[]): Promise<SetFacts> {
  const { provider, overview, targets } = sides;
  const checked = await checkProviderTables(provider, overview, tables);
  const subscribers: SubscriberFacts[] = [];
  for (const target of targets) subscribers.push(await readSubscriber(target, overview, tables));
  return {
    tables: checked.map((one, at) => {
      const { schema = '', name = '' } = tables[at] ?? {};
      const table = { schema, name };
      return { table, inSet: overview.tables.some((known) => sameTable(known, table)), checked: one };
    }),
    subscribers,
  };
}

async function readSubscriber(
  { name, side, tables: followed }: Target,
  { copies }: ProviderOverview,
  tables: readonly TableName[],
): Promise<SubscriberFacts> {
  const open = copies.filter(({ subscribers }) => subscribers.includes(name)).reverse();
  const descriptions =
    side === undefined || tables.length === 0
      ? new Map<string, TableDescription>()
      : await side.side.run((client) => tableDescriptions(client, tables));
  const openCopies = new Map(open.map((copy) => [tableKey(copy), copy.id]));
  return { name, isNear: side !== undefined, followed, openCopies, descriptions };
}
