// What differs between whole databases: clocks, encodings, identities. Tables and columns: preflight/table-mismatches.ts.
import { fixes } from '../preflight/fixes.ts';
import type { DatabaseFacts } from './database-checks.ts';
import { type BareFinding, found, joinOutcomes, type Outcome } from './report.ts';

/** A database of this configuration. */
export interface Examined {
  /** `provider`, `subscriber eu`. */
  readonly side: string;
  readonly facts: DatabaseFacts;
}

/** Clocks that differ by more make the shown lag wrong. Nothing else depends on them. Milliseconds. */
const clockTolerance = 5_000;

/** Compares clocks, encodings and identities of these databases. */
export function compareDatabases(provider: Examined | undefined, subscribers: readonly Examined[]): Outcome {
  const all = provider === undefined ? subscribers : [provider, ...subscribers];
  return joinOutcomes([
    ...all.map(({ side, facts }) => found('clock', side, clockFindings(facts))),
    ...(provider === undefined
      ? []
      : subscribers.map((one) => found('encoding', one.side, encodingFindings(provider.facts, one.facts)))),
    ...all.map((one, at) => found('same-database', one.side, sameDatabaseFindings(one, all.slice(0, at)))),
  ]);
}

function clockFindings({ clock: { server, ours, roundTrip } }: DatabaseFacts): BareFinding[] {
  const apart = server - ours;
  if (Math.abs(apart) - roundTrip / 2 <= clockTolerance) return [];
  const message = `is ${Math.round(Math.abs(apart) / 1_000)} s ${apart > 0 ? 'ahead of' : 'behind'} this host's: the lag that is shown is wrong by as much`;
  return [{ level: 'warning', object: 'its clock', message, fix: 'timedatectl set-ntp true' }];
}

function encodingFindings(provider: DatabaseFacts, subscriber: DatabaseFacts): BareFinding[] {
  const [from, to] = [provider.encoding, subscriber.encoding];
  if (from === 'SQL_ASCII') {
    const message =
      'is SQL_ASCII at the provider: bytes that are not valid UTF-8 cannot be sent on, and replication stops at them';
    return [
      {
        level: 'warning',
        object: 'the encoding',
        message,
        fix: fixes.utf8Database,
      },
    ];
  }
  if (to === 'UTF8' || to === from) return [];
  const message = `is ${to} and ${from} at the provider: a character that ${to} does not have stops replication`;
  return [
    {
      level: 'warning',
      object: 'the encoding',
      message,
      fix: fixes.utf8Database,
    },
  ];
}

function sameDatabaseFindings({ facts, side }: Examined, earlier: readonly Examined[]): BareFinding[] {
  const same = earlier.find((one) => facts.identity !== undefined && one.facts.identity === facts.identity);
  if (same === undefined) return [];
  const message = `is the database of ${same.side}: changes applied there would be captured again; correct one of the urls in the configuration`;
  return [{ level: 'error', object: side, message, fix: null }];
}
