import { parseConfig } from '@millrace/config';
import { expect, test } from 'vitest';
import { compareDatabases } from './compare-databases.ts';
import type { DatabaseFacts } from './database-checks.ts';
import { storageFindings } from './examine-bus.ts';
import { examineHost } from './examine-host.ts';

function facts(more: Partial<DatabaseFacts> = {}): DatabaseFacts {
  return {
    clock: { server: 1_000_000, ours: 1_000_000, roundTrip: 10 },
    version: 180_000,
    encoding: 'UTF8',
    identity: undefined,
    installed: { provider: true, subscriber: true },
    replica: true,
    ...more,
  };
}

function wrong(here: DatabaseFacts, there: DatabaseFacts): string[] {
  const { findings } = compareDatabases({ side: 'provider', facts: here }, [{ side: 'subscriber eu', facts: there }]);
  return findings
    .filter(({ level }) => level !== 'ok')
    .map((f) => `${f.level} ${f.check} ${f.side}: ${f.object} ${f.message}`);
}

test('clocks may differ by seconds and by what a question takes, not by more', () => {
  const clock = (server: number, roundTrip = 10) => facts({ clock: { server, ours: 1_000_000, roundTrip } });
  expect(wrong(clock(1_004_000), clock(996_000))).toEqual([]);
  expect(wrong(clock(1_008_000, 8_000), facts())).toEqual([]);
  expect(wrong(clock(1_060_000), clock(940_000))).toEqual([
    expect.stringMatching(/^warning clock provider: its clock is 60 s ahead of/),
    expect.stringMatching(/^warning clock subscriber eu: its clock is 60 s behind/),
  ]);
});

test('an encoding that may lack characters, or that checks nothing, is reported', () => {
  expect(wrong(facts({ encoding: 'LATIN1' }), facts())).toEqual([]);
  expect(wrong(facts({ encoding: 'LATIN1' }), facts({ encoding: 'LATIN1' }))).toEqual([]);
  expect(wrong(facts(), facts({ encoding: 'LATIN1' })).join()).toMatch(/LATIN1 and UTF8 at the provider/);
  expect(wrong(facts({ encoding: 'SQL_ASCII' }), facts()).join()).toMatch(/SQL_ASCII at the provider: bytes/);
});

test('one database under two names of the configuration is an error', () => {
  expect(wrong(facts({ identity: '7 1' }), facts({ identity: '7 2' }))).toEqual([]);
  expect(wrong(facts({ identity: '7 1' }), facts({ identity: '7 1' })).join()).toMatch(
    /^error same-database subscriber eu: subscriber eu is the database of provider/,
  );
});

test('an account that is nearly full, and a disk with little room, are reported', async () => {
  expect(storageFindings({ used: 10, limit: undefined })).toEqual([]);
  expect(storageFindings({ used: 90, limit: 100 })).toEqual([]);
  expect(storageFindings({ used: 91, limit: 100 })).toMatchObject([{ level: 'warning' }]);
  const config = parseConfig('queue: q', '/nowhere/millrace.yaml');
  const free = async (bytes: number) => (await examineHost(config, async () => bytes)).findings[0];
  expect(await free(3e9)).toMatchObject({ check: 'disk', level: 'ok' });
  expect(await free(1e6)).toMatchObject({
    level: 'warning',
    message: expect.stringMatching(/^has 1000 kB left for the store/),
  });
});
