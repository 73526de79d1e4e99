import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import type { TableOverview } from '@millrace/subscriber';
import type { Report } from '@millrace/wire';
import { BusSide } from '../sides/bus-side.ts';
import { reachable } from '../sides/choose-subscribers.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';

/** A subscriber whose tables are known; without `side` its database cannot be reached from here. */
export interface Target {
  readonly name: string;
  readonly tables: readonly Pick<TableOverview, 'schema' | 'name' | 'state' | 'copyId' | 'error'>[];
  readonly side: SubscriberSide | undefined;
}

/** Opens the named subscribers: their databases where a url is known, else what they report on the bus. */
export async function openTargets(config: Config, names: readonly string[]): Promise<Target[]> {
  const near = new Set(reachable(config, names));
  const targets: Target[] = [];
  try {
    for (const name of names) if (near.has(name)) targets.push(await openNear(config, name));
    const far = names.filter((name) => !near.has(name));
    if (far.length > 0) targets.push(...(await openFar(config, far)));
    return targets;
  } catch (error) {
    await closeTargets(targets);
    throw error;
  }
}

export async function closeTargets(targets: readonly Target[]): Promise<void> {
  await Promise.all(targets.map((target) => target.side?.close()));
}

async function openNear(config: Config, name: string): Promise<Target> {
  const side = await SubscriberSide.open(config, name);
  try {
    return { name, side, tables: (await side.overview()).tables };
  } catch (error) {
    await side.close();
    throw error;
  }
}

async function openFar(config: Config, names: readonly string[]): Promise<Target[]> {
  const bus = await BusSide.open(config);
  if (bus === undefined) throw noWay(names[0] ?? '');
  try {
    return await Promise.all(
      names.map(async (name) => ({ name, side: undefined, tables: reportedTables(await bus.report(name)) })),
    );
  } finally {
    await bus.close();
  }
}

function reportedTables(report: Report | undefined): Target['tables'] {
  return (report?.tables ?? []).map(({ schema, name, state, copy, error }) => ({
    schema,
    name,
    state,
    copyId: copy?.id ?? null,
    error: error ?? null,
  }));
}

function noWay(name: string): MillraceError {
  return new MillraceError(
    codes.CONFIG,
    `subscriber ${name}: the configuration gives neither its url nor a bus on which it reports`,
    {
      advice: `add subscribers.${name}.url, or name the subscribers to work on with --subscriber`,
    },
  );
}
