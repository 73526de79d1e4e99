import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({
    name: 'phantom',
    servers: {
      provider: { major: 15, settings: { wal_writer_delay: '10s' } },
      eu: { major: 18, settings: { wal_writer_delay: '10s' } },
    },
  });
  site = await ground.site({ name: 'phantom', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.everywhere('CREATE TABLE fleeting (id int PRIMARY KEY)');
  await site.begin({ tables: ['fleeting'] });
});

afterAll(() => ground.stop());

const ids = async (database: Site['provider']): Promise<number[]> =>
  (await database.rows('SELECT id FROM public.fleeting ORDER BY id')).map((row) => Number(row['id']));

describe('commits that were not waited for', () => {
  test('a row that the provider forgets in a crash is at no subscriber', async () => {
    const eu = site.subscriber('eu');
    for (let round = 1; round <= 5; round += 1) {
      await site.provider.within((client) => client.query('INSERT INTO public.fleeting VALUES ($1)', [round]), {
        synchronous_commit: 'off',
      });
      // Until it has arrived, or until it is clear that it waits for something: a crash is due in either case.
      await waitFor('it arrives', async () => (await ids(eu)).includes(round), { timeoutMs: 1500, everyMs: 10 }).catch(
        () => {},
      );
      await ground.server('provider').kill('SIGKILL');
      await ground.server('provider').start();
      const there = new Set(await waitFor('the provider', () => ids(site.provider)));
      expect((await ids(eu)).filter((id) => !there.has(id))).toEqual([]);
    }
    await site.sync();
    expect(await site.differences(['fleeting'])).toEqual([]);
  });

  test('a batch that the subscriber forgets in a crash is applied again', async () => {
    const eu = site.subscriber('eu');
    await eu.run(
      `ALTER DATABASE ${await eu.value('SELECT quote_ident(current_database())')} SET synchronous_commit = off`,
    );
    await site.service('replay eu').stop();
    site.service('replay eu').start();
    for (let round = 101; round <= 104; round += 1) {
      await site.provider.run('INSERT INTO public.fleeting VALUES ($1)', [round]);
      await waitFor('it arrives', async () => (await ids(eu)).includes(round));
      // The bus forgets as well, so that only the provider's queue can bring it back.
      if (round % 2 === 0) await ground.nats.restart();
      await ground.server('eu').kill('SIGKILL');
      await ground.server('eu').start();
      await site.sync();
      expect(await site.differences(['fleeting'])).toEqual([]);
    }
  });
});
