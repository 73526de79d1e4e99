import { codes } from '@millrace/errors';
import { sameTable, tableLabel } from '@millrace/model';
import type { NotedComparison, ProviderOverview } from '@millrace/provider';
import type { TableOverview } from '@millrace/subscriber';
import type { Report } from '@millrace/wire';
import type { DoctorFinding } from '../doctor/report.ts';
import { type CopyFacts, type CopyOutlook, copyOutlook, noOutlook } from './copy-outlook.ts';
import {
  explainAltered,
  explainSubscriber,
  explainTable,
  notConfigured,
  notRegistered,
  otherHistory,
  positionLost,
  recordLost,
} from './explain.ts';
import type { Answer, Fault, Gathered, GatheredSubscriber } from './gather.ts';
import type { ServiceStatus, Status, SubscriberState, SubscriberStatus, TableStatus } from './status-document.ts';

/** A service or replay that has not reported for this long does not run. Both report every few seconds. */
const silenceMs = 20_000;

const providerServices = ['ticker', 'capture'];

/** Joins the three sides and what the doctor found into one document. `at` is now, for the age of reports. */
export function statusOf(gathered: Gathered, at: Date = new Date(), warnings: readonly DoctorFinding[] = []): Status {
  const provider = providerStatus(gathered.provider);
  const bus = busStatus(gathered.bus);
  const overview = gathered.provider.kind === 'answer' ? gathered.provider.value : undefined;
  const subscribers = gathered.subscribers.map((one) => subscriberStatus(one, overview, at));
  const ok =
    provider.state !== 'unreachable' &&
    provider.services.every(({ state }) => state === 'running') &&
    provider.problems.length === 0 &&
    bus.state !== 'unreachable' &&
    subscribers.every(isFine);
  return { ok, queue: gathered.queue, provider, bus, subscribers, warnings: [...warnings] };
}

function isFine({ state, error, tables }: SubscriberStatus): boolean {
  if (error?.code === codes.POSITION) return false;
  const stuck = tables.some((table) => table.state === 'held' || (table.state !== 'ok' && table.error !== null));
  return (state === 'running' || state === 'paused') && !stuck;
}

function providerStatus(answer: Answer<ProviderOverview>): Status['provider'] {
  const nothing = { tick: null, tick_time: null, new_events: null, queue: null, services: [], problems: [] };
  if (answer.kind === 'absent') return { state: 'not-configured', ...nothing, error: null };
  if (answer.kind === 'fault') return { state: 'unreachable', ...nothing, error: answer.fault };
  const { tick, newEvents, queue, tables, services } = answer.value;
  return {
    state: 'running',
    tick: tick?.tick ?? null,
    tick_time: tick?.time ?? null,
    new_events: newEvents,
    queue: queue === null ? null : { events: queue.events, bytes: queue.bytes, oldest_tick: queue.oldestTick },
    services: providerServices.map((name) => serviceStatus(name, services)),
    problems: tables.flatMap((t) => (t.problem === null ? [] : [{ table: tableLabel(t), problem: t.problem }])),
    error: null,
  };
}

/** One line for each service of the provider's side that does not do its work. */
export function serviceTroubles({ services }: ProviderOverview): string[] {
  return providerServices.flatMap((name) => {
    const { error } = serviceStatus(name, services);
    return error === null ? [] : [error.message.startsWith(name) ? error.message : `${name}: ${error.message}`];
  });
}

function serviceStatus(name: string, reports: ProviderOverview['services']): ServiceStatus {
  const found = reports.find(({ service }) => service === name);
  if (found === undefined || found.ageMs > silenceMs) {
    const since =
      found === undefined ? 'has never reported' : `has not reported for ${Math.round(found.ageMs / 1_000)} s`;
    return {
      name,
      state: 'stopped',
      error: {
        code: 'not-running',
        message: `${name} ${since}; start it with \`millrace run ${name}\` or \`millrace up\``,
      },
    };
  }
  const error = fault(found.errorCode, found.errorMessage);
  return { name, state: found.state === 'running' ? 'running' : 'stopped', error };
}

function busStatus(answer: Gathered['bus']): Status['bus'] {
  if (answer.kind === 'absent') return { state: 'not-configured', batches: null, copies: null, error: null };
  if (answer.kind !== 'answer') {
    return { state: 'unreachable', batches: null, copies: null, error: answer.fault };
  }
  return { state: 'running', batches: size(answer.value.batches), copies: size(answer.value.copies), error: null };
}

function size(stream: { messages: number; bytes: number } | undefined): { messages: number; bytes: number } | null {
  return stream === undefined ? null : { messages: stream.messages, bytes: stream.bytes };
}

function subscriberStatus(one: GatheredSubscriber, provider: ProviderOverview | undefined, at: Date): SubscriberStatus {
  const { name, database, report } = one;
  const here = database.kind === 'answer' ? database.value : undefined;
  const tick = here?.position?.tick ?? report?.tick ?? null;
  const age = reportAge(one, at);
  const { state, error } = standingOf(one, provider, { age, tick });
  return {
    name,
    state,
    tick,
    ...lagOf(one, provider, tick),
    error,
    applied_at: here?.position?.appliedAt ?? report?.applied_at ?? null,
    reported_ms_ago: age ?? null,
    configured: one.configured,
    explain: one.configured ? explainSubscriber(state, name) : notConfigured(name),
    tables: tablesOf(one).map((table) => tableStatus(name, table, provider)),
    sequences: (here?.sequences ?? []).map(tableLabel),
  };
}

/** The younger of what replay wrote into its database and onto the bus. */
function reportAge({ database, report }: GatheredSubscriber, at: Date): number | undefined {
  const here = database.kind === 'answer' ? database.value.replay?.ageMs : undefined;
  const onBus = report === undefined ? undefined : Math.max(0, at.getTime() - Date.parse(report.at));
  if (here === undefined || onBus === undefined) return here ?? onBus;
  return Math.min(here, onBus);
}

/** What the provider knows of it comes first: a replay cannot know that what it waits for will never come. */
function standingOf(
  one: GatheredSubscriber,
  provider: ProviderOverview | undefined,
  { age, tick }: { age: number | undefined; tick: number | null },
): { state: SubscriberState; error: Fault | null } {
  if (provider === undefined) return stateOf(one, age);
  const record = provider.subscribers.find(({ name }) => name === one.name);
  if (record === undefined) {
    return { state: 'stopped', error: { code: codes.NOT_INSTALLED, message: notRegistered } };
  }
  // Before anything that may follow from it.
  if (record.keptFrom === null || record.keptFrom > record.tick) {
    const { state } = one.kept ? stateOf(one, age) : { state: 'stopped' as const };
    return { state, error: { code: codes.POSITION, message: recordLost(one.name, record) } };
  }
  if (one.hasOtherHistory && tick !== null) {
    return { state: 'stopped', error: { code: codes.PROVIDER_HISTORY, message: otherHistory(one.name, tick) } };
  }
  if (one.kept || tick === null) return stateOf(one, age);
  return { state: 'stopped', error: { code: codes.POSITION, message: positionLost(one.name, tick, record.tick) } };
}

function stateOf(
  { name, database, report }: GatheredSubscriber,
  age: number | undefined,
): { state: SubscriberState; error: Fault | null } {
  if (database.kind === 'fault') return { state: 'unreachable', error: database.fault };
  const here = database.kind === 'answer' ? database.value : undefined;
  const own = here?.replay ?? undefined;
  const error = own === undefined ? (report?.error ?? null) : fault(own.errorCode, own.errorMessage);
  if (here?.paused === true) return { state: 'paused', error };
  if (age === undefined || age > silenceMs) {
    if (here === undefined) return { state: 'unreachable', error: error ?? silent(name, age) };
    return { state: 'stopped', error: error ?? silent(name, age) };
  }
  const state = own?.state ?? report?.state ?? 'stopped';
  // It was resumed at most a batch ago; the report still says paused.
  if (here !== undefined && state === 'paused') return { state: 'running', error };
  return { state: state === 'running' || state === 'paused' ? state : 'stopped', error };
}

function silent(name: string, age: number | undefined): Fault {
  const since = age === undefined ? 'has never reported' : `has not reported for ${Math.round(age / 1_000)} s`;
  const message = `its replay ${since}; start it with \`millrace run replay ${name}\` or \`millrace up\``;
  return { code: 'not-running', message };
}

function lagOf(
  { report, behindMs }: GatheredSubscriber,
  provider: ProviderOverview | undefined,
  tick: number | null,
): { lag_ms: number | null; lag_ticks: number | null } {
  const newest = provider?.tick;
  if (tick === null) return { lag_ms: null, lag_ticks: null };
  if (provider === undefined || newest === null || newest === undefined) {
    return { lag_ms: report?.lag_ms ?? null, lag_ticks: null };
  }
  const lagTicks = Math.max(0, newest.tick - tick);
  if (lagTicks > 0) return { lag_ms: behindMs ?? report?.lag_ms ?? 0, lag_ticks: lagTicks };
  const waiting = (provider.newEvents ?? 0) > 0;
  return { lag_ms: waiting ? Math.max(0, Date.parse(provider.now) - Date.parse(newest.time)) : 0, lag_ticks: 0 };
}

type FollowedTable = Pick<
  TableOverview,
  'schema' | 'name' | 'state' | 'copiedRows' | 'copiedBytes' | 'error' | 'altered'
> &
  Partial<Pick<CopyFacts, 'estimate' | 'rowsPerS'>>;

/** From its database, with the progress of copies that only replay itself knows; else from what it reports. */
export function tablesOf({ database, report }: GatheredSubscriber): FollowedTable[] {
  if (database.kind === 'answer') {
    return database.value.tables.map((table) => {
      const said = report?.tables.find((t) => sameTable(t, table));
      if (table.state !== 'copying' || said?.state !== 'copying') return table;
      return { ...table, ...copyFactsOf(said) };
    });
  }
  return (report?.tables ?? []).map((table) => ({
    schema: table.schema,
    name: table.name,
    state: table.state,
    ...copyFactsOf(table),
    error: table.error ?? null,
    altered: [],
  }));
}

function copyFactsOf(said: Report['tables'][number]) {
  return {
    copiedRows: said.copied_rows,
    copiedBytes: said.copied_bytes,
    estimate: said.estimate,
    rowsPerS: said.rows_per_s,
  };
}

/** How the copy of a table stands that is on its way. `estimate`: rows, by the provider's statistics now. */
export function outlookOf(table: FollowedTable, estimate: number): CopyOutlook {
  if (table.state !== 'copying') return noOutlook;
  const { copiedRows, copiedBytes, rowsPerS } = table;
  const known = table.estimate ?? { rows: estimate, bytes: 0 };
  return copyOutlook({ rows: copiedRows, bytes: copiedBytes, estimate: known, rowsPerS });
}

function tableStatus(subscriber: string, table: FollowedTable, provider: ProviderOverview | undefined): TableStatus {
  const compared = provider?.comparisons.find((c) => c.subscriber === subscriber && sameTable(c, table));
  const estimate = provider?.tables.find((t) => sameTable(t, table))?.estimate ?? 0;
  return {
    name: tableLabel(table),
    schema: table.schema,
    table: table.name,
    state: table.state,
    copied_rows: table.copiedRows,
    copied_bytes: table.copiedBytes,
    copy_progress: progress(table, table.estimate?.rows ?? estimate),
    ...outlookOf(table, estimate),
    error: table.error,
    warning: explainAltered(table.altered, tableLabel(table)),
    comparison: compared === undefined ? null : comparisonStatus(compared),
    explain: explainTable(table.state, tableLabel(table)),
  };
}

function comparisonStatus(noted: NotedComparison): TableStatus['comparison'] {
  const { state, comparedAt, tick, rows, missing, extra, different, reason } = noted;
  return { state, compared_at: comparedAt, tick, rows, missing, extra, different, reason };
}

function progress({ state, copiedRows }: FollowedTable, estimate: number): number | null {
  if (state === 'catching-up') return 100;
  if (state !== 'copying' && state !== 'registered') return null;
  return estimate === 0 ? 0 : Math.min(99, Math.floor((100 * copiedRows) / estimate));
}

function fault(code: string | null, message: string | null): Fault | null {
  return code === null ? null : { code, message: message ?? codes.INTERNAL };
}
