import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, makeScratchDir, sharedNatsUrl, uniqueName } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type Outcome, runInProcess } from '../../test/command-site.ts';

interface Site {
  readonly provider: string;
  run(name: string, ...words: string[]): Promise<Outcome>;
}

/** An installation with a subscriber `eu`, on the bus of all tests. */
async function siteWith(queue: string, provider?: string): Promise<Site> {
  const url = provider ?? (await createDatabase({ major: 18 })).url;
  const eu = (await createDatabase({ major: 18 })).url;
  const file = join(makeScratchDir('site'), 'millrace.yaml');
  const lines = [`queue: ${queue}`, `provider: { url: "${url}" }`, `subscribers: { eu: { url: "${eu}" } }`];
  writeFileSync(file, [...lines, `bus: { url: "${sharedNatsUrl()}" }`, ''].join('\n'));
  return { provider: url, run: (name, ...words) => runInProcess(file, name, words) };
}

test('a second installation with the same queue on one bus is refused, and both are named', async () => {
  const queue = uniqueName('q');
  const first = await siteWith(queue);
  expect(await first.run('install')).toMatchObject({ code: 0 });
  const second = await siteWith(queue);
  const { error, notes } = await second.run('install');
  const [one, other] = [first, second].map(({ provider }) => new URL(provider).pathname.slice(1));
  expect(`${notes.join('\n')}${error?.message}`).toMatch(
    new RegExp(`belongs to another installation, database "${one}".*; this one is database "${other}"`),
  );
  expect(error?.code).toBe('bus-refused');
  // Nothing of the first one was taken for a beginning.
  expect((await second.run('status')).document).toMatchObject({ ok: false });
  // Another queue in the database of the first, and the first itself, are no strangers.
  expect(await (await siteWith(uniqueName('q'), first.provider)).run('install')).toMatchObject({ code: 0 });
  expect(await first.run('install')).toMatchObject({ code: 0 });
  // What is given up is given free.
  expect(await first.run('uninstall', '--yes')).toMatchObject({ code: 0 });
  expect(await second.run('install')).toMatchObject({ code: 0 });
});
