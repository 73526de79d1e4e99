// Every check is provoked once on real servers, and its fix is carried out and seen to help.
import { parseConfig } from '@millrace/config';
import { query, startOwnPostgres, withClient } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommandSite, makeSite } from '../../test/command-site.ts';
import { doctorCases } from '../../test/doctor-cases.ts';
import { examine } from './examine.ts';
import type { DoctorFinding, DoctorReport } from './report.ts';

let site: CommandSite;
let eu: string;

beforeAll(async () => {
  site = await makeSite({ names: ['eu'], majors: [18, 18] });
  eu = site.subscribers['eu'] ?? '';
  await site.do('install');
});

afterAll(async () => {
  await site.do('uninstall', '--yes').catch(() => {});
});

const bounds = { longSeconds: 0.2, largeQueue: 1 };
const inspect = () => examine(site.config, { bounds });

/** What is wrong by that check, on objects whose name matches. */
function wrong(report: DoctorReport, check: string, object: RegExp): DoctorFinding[] {
  return report.findings.filter((one) => one.check === check && one.level !== 'ok' && object.test(one.object));
}

/** Does what a fix says: a command of ours, or statements for the database of its side. */
async function carryOut({ side, fix }: DoctorFinding, urls: Readonly<Record<string, string>> = {}): Promise<void> {
  if (fix === null) throw new Error('there is no fix');
  if (fix.startsWith('millrace ')) {
    const [, name = '', ...words] = fix.split(' ');
    await site.do(name, ...words);
    return;
  }
  const url = urls[side] ?? (side === 'provider' ? site.provider : eu);
  for (const statement of fix.split('; ')) await query(url, statement);
}

test.each(doctorCases)('$check: $says, and its fix helps', async (one) => {
  const { check, level, object, says, add = [] } = one;
  if (one.tables !== undefined) await site.everywhere(one.tables);
  if (add[0] === '-seq') await site.do('add-seq', ...add.slice(1));
  else if (add.length > 0) await site.do('add', ...add);
  const isProvoked = one.provider !== undefined || one.subscriber !== undefined;
  const about = (report: DoctorReport) => wrong(report, check, object).filter(({ message }) => says.test(message));
  if (isProvoked) expect(about(await inspect())).toEqual([]);
  if (one.provider !== undefined) await query(site.provider, one.provider);
  if (one.subscriber !== undefined) await query(eu, one.subscriber);
  const report = await inspect();
  const [finding, ...more] = about(report);
  expect(more).toEqual([]);
  expect(finding ?? { ...report, findings: report.findings.filter((one) => one.level !== 'ok') }).toMatchObject({
    check,
    level,
    message: expect.stringMatching(says),
  });
  if (finding === undefined) return;
  if (one.after === undefined) await carryOut(finding);
  for (const statement of one.after ?? []) await query(eu, statement);
  expect(about(await inspect())).toEqual([]);
});

test('a transaction left open and a prepared one are reported with how to end them', async () => {
  const database = await startOwnPostgres({ settings: { max_prepared_transactions: '2' } });
  const config = parseConfig(`queue: q\nprovider: { url: "${database.url}" }`, '/nowhere/millrace.yaml');
  await query(database.url, 'CREATE TABLE t (id int)');
  await query(database.url, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'it''s mine'");
  await withClient(database.url, async (client) => {
    await client.query('BEGIN; INSERT INTO t VALUES (2)');
    await client.query('SELECT pg_sleep(0.3)');
    const found = wrong(await examine(config, { bounds }), 'long-transactions', /./);
    expect(found.map(({ object }) => object)).toEqual([
      expect.stringMatching(/^session \d+/),
      "prepared transaction 'it''s mine'",
    ]);
    for (const one of found) await carryOut(one, { provider: database.url });
    expect(wrong(await examine(config, { bounds }), 'long-transactions', /./)).toEqual([]);
  });
});
