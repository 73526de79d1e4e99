import { busUrl, type Config } from '@millrace/config';
import { codes, toMillraceError } from '@millrace/errors';
import { type TableName, tableKey } from '@millrace/model';
import { findCopy } from '../notes/copy-note.ts';
import { BusSide } from '../sides/bus-side.ts';
import { chooseSubscribers, knownSubscribers, reachable } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';
import { clearText } from './clear-text.ts';
import { compareDatabases } from './compare-databases.ts';
import { examineBus } from './examine-bus.ts';
import { examineHost } from './examine-host.ts';
import { type ExaminedProvider, examineProvider, type ProviderTable, unfollowed } from './examine-provider.ts';
import { type ExaminedSubscriber, examineSubscriber, orphans, sideOf } from './examine-subscriber.ts';
import {
  type DoctorFinding,
  type DoctorReport,
  found,
  joinOutcomes,
  nothing,
  type Outcome,
  reportOf,
} from './report.ts';
import { compareSequences } from './sequence-ranges.ts';
import { type CheckBounds, type SqlCheck, sqlChecks } from './sql-checks.ts';

export interface ExamineOptions {
  /** Only these subscribers; empty: all. */
  readonly subscribers?: readonly string[];
  /** Only what may change during operation, and only what is wrong: for repeated inspection. */
  readonly drift?: boolean;
  /** Of the checks that one database can answer alone only these. */
  readonly only?: ReadonlySet<string>;
  readonly bounds?: Partial<CheckBounds>;
}

/** A transaction open for longer keeps event tables from being emptied; smaller queues are no concern. */
const usual: CheckBounds = { longSeconds: 600, largeQueue: 1024 * 1024 * 1024 };

const connectMs = 3_000;

/**
 * Inspects everything that this configuration can reach, and says what it could not inspect. Changes nothing. Throws
 * USAGE for an unknown subscriber.
 */
export async function examine(config: Config, options: ExamineOptions = {}): Promise<DoctorReport> {
  const inspection = new Inspection(config, options);
  try {
    return reportOf(config.queue, await inspection.all());
  } finally {
    await inspection.close();
  }
}

/**
 * What has gone wrong since replication was set up: a capture trigger switched off, a table altered, a key dropped. What
 * cannot be reached is no part of it. Throws only what `status` reports as well.
 */
export async function driftOf(config: Config): Promise<DoctorFinding[]> {
  const report = await examine(config, { drift: true });
  return report.findings.filter(({ level, check }) => level !== 'ok' && check !== 'reachable' && check !== 'installed');
}

interface SeenProvider {
  readonly side?: ProviderSide;
  readonly examined?: ExaminedProvider;
  readonly outcome: Outcome;
}

/** One inspection: sessions and what is known so far. */
class Inspection {
  readonly #config: Config;
  readonly #drift: boolean;
  readonly #named: readonly string[];
  readonly #bounds: CheckBounds;
  readonly #checks: readonly SqlCheck[];
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(config: Config, { subscribers = [], drift = false, only, bounds = {} }: ExamineOptions) {
    this.#config = config;
    this.#named = subscribers;
    this.#drift = drift;
    this.#checks = sqlChecks.filter((one) => (!drift || one.drift === true) && (only?.has(one.check) ?? true));
    this.#bounds = { ...usual, ...bounds };
  }

  async all(): Promise<Outcome> {
    const bus = await this.#openBus();
    const provider = await this.#provider();
    const names = chooseSubscribers(
      this.#named,
      knownSubscribers(this.#config, provider.examined?.overview?.subscribers),
    );
    const subscribers = await Promise.all(names.map((name) => this.#subscriber(name, provider, bus.side)));
    const examined = subscribers.flatMap((one) => one.examined ?? []);
    return joinOutcomes([
      provider.outcome,
      ...subscribers.map(({ outcome }) => outcome),
      this.#together(provider.examined, examined, names),
      ...(this.#drift
        ? []
        : [bus.outcome, await this.#bus(bus.side), clearText(this.#config), await examineHost(this.#config)]),
    ]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.map((close) => close()));
  }

  async #provider(): Promise<SeenProvider> {
    const config = this.#config;
    if (config.provider === undefined) {
      return {
        outcome: unseen(
          'provider',
          "the configuration names no provider; run `millrace doctor` on the provider's side",
        ),
      };
    }
    try {
      const side = await ProviderSide.open(config, connectMs);
      this.#closing.push(() => side.close());
      const examined = await examineProvider(side, { checks: this.#checks, bounds: this.#bounds });
      return { side, examined, outcome: examined.outcome };
    } catch (error) {
      return { outcome: unreachable('provider', error) };
    }
  }

  async #subscriber(
    name: string,
    provider: SeenProvider,
    bus: BusSide | undefined,
  ): Promise<{ examined?: ExaminedSubscriber; outcome: Outcome }> {
    if (reachable(this.#config, [name]).length === 0) {
      const reason = `its database has no url here; run \`millrace doctor --subscriber ${name}\` where it can be reached`;
      return { outcome: unseen(sideOf(name), reason) };
    }
    try {
      const side = await SubscriberSide.open(this.#config, name, connectMs);
      this.#closing.push(() => side.close());
      const source = provider.examined?.tables ?? (await this.#notedTables(side, bus));
      const question = { checks: this.#checks, bounds: this.#bounds, source };
      const examined = await examineSubscriber(side, question);
      const to = { side: side.side, where: sideOf(name) };
      const ranges =
        provider.side === undefined
          ? nothing
          : await compareSequences(provider.side.side, to, examined.overview?.sequences ?? []);
      return { examined, outcome: joinOutcomes([examined.outcome, ranges]) };
    } catch (error) {
      return { outcome: unreachable(sideOf(name), error) };
    }
  }

  /** Without a provider: its tables as `add` on the provider's side described them on the bus. */
  async #notedTables(side: SubscriberSide, bus: BusSide | undefined): Promise<Map<string, ProviderTable> | undefined> {
    const tables: readonly TableName[] = await side.overview().then(
      ({ tables }) => tables,
      () => [],
    );
    const noted = new Map<string, ProviderTable>();
    for (const table of bus === undefined ? [] : tables) {
      const source = (await findCopy(bus as BusSide, side.name, table).catch(() => undefined))?.source;
      if (source !== undefined) noted.set(tableKey(table), { table, ...source });
    }
    return noted.size === 0 ? undefined : noted;
  }

  #together(
    provider: ExaminedProvider | undefined,
    subscribers: readonly ExaminedSubscriber[],
    names: readonly string[],
  ): Outcome {
    const overview = provider?.overview;
    const outcomes: Outcome[] = [];
    if (overview !== undefined) outcomes.push(...subscribers.map((one) => orphans(one, overview.tables)));
    if (this.#drift) return joinOutcomes(outcomes);
    const asSides = subscribers.map(({ name, facts }) => ({ side: sideOf(name), facts }));
    outcomes.push(compareDatabases(provider && { side: 'provider', facts: provider.facts }, asSides));
    // Only who has seen all subscribers can say that no subscriber follows a table.
    if (overview !== undefined && this.#named.length === 0 && subscribers.length === names.length) {
      outcomes.push(
        unfollowed(
          overview,
          subscribers.map((one) => one.overview?.tables ?? []),
        ),
      );
    }
    return joinOutcomes(outcomes);
  }

  async #openBus(): Promise<{ side?: BusSide; outcome: Outcome }> {
    if (this.#drift) return { outcome: nothing };
    if (busUrl(this.#config) === undefined) {
      const reason = 'the configuration names no bus, and no nats-server of `millrace up` runs';
      return { outcome: unseen('bus', reason) };
    }
    try {
      const side = await BusSide.open(this.#config, connectMs);
      if (side === undefined) return { outcome: nothing };
      this.#closing.push(() => side.close());
      return { side, outcome: nothing };
    } catch (error) {
      return { outcome: unreachable('bus', error) };
    }
  }

  async #bus(side: BusSide | undefined): Promise<Outcome> {
    if (side === undefined) return nothing;
    return examineBus(side).catch((error: unknown) => unreachable('bus', error));
  }
}

function unseen(side: string, reason: string): Outcome {
  return { findings: [], notChecked: [{ side, check: null, reason }] };
}

function unreachable(side: string, error: unknown): Outcome {
  const { code, sentence } = toMillraceError(error);
  const fix = code === codes.BUS_UNAVAILABLE ? 'nats-server --jetstream' : null;
  const outcome = found('reachable', side, [
    { level: 'error', object: side, message: `cannot be inspected: ${sentence}`, fix },
  ]);
  return { ...outcome, notChecked: [{ side, check: null, reason: 'it cannot be reached' }] };
}
