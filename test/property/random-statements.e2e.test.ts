import type { PgClient } from '@millrace/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { Random } from '../harness/random.ts';
import { scaled } from '../harness/scale.ts';
import type { Site } from '../harness/site.ts';
import { propertySchema, propertyTables, randomStatement, randomTrigger } from './statements.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

const triggerSets = scaled(12, 3);

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({ name: 'property', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'property', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.everywhere(propertySchema);
  await site.begin({ tables: [...propertyTables] });
});

afterAll(() => ground.stop());

/** Runs a random transaction and gives what was done, for a failing seed to be read. */
async function transaction(client: PgClient, random: Random): Promise<string[]> {
  const done: string[] = [];
  await client.query('BEGIN');
  for (let left = random.int(1, 6); left > 0; left -= 1) {
    const statement = randomStatement(random);
    await client.query('SAVEPOINT s');
    try {
      await client.query(statement);
      done.push(statement);
      if (random.chance(0.1)) await client.query('ROLLBACK TO s');
    } catch (error) {
      const { message } = error as Error;
      if (/millrace|pgq|internal/i.test(message)) throw new Error(`the application was hurt: ${message}\n${statement}`);
      await client.query('ROLLBACK TO s');
    }
  }
  await client.query(random.chance(0.1) ? 'ROLLBACK' : 'COMMIT');
  return done;
}

async function rounds(random: Random, count: number): Promise<void> {
  await site.provider.within(async (client) => {
    for (let round = 0; round < count; round += 1) {
      const done: string[] = [];
      for (let left = 10; left > 0; left -= 1) done.push(...(await transaction(client, random)), '--');
      await site.sync();
      expect(await site.differences(propertyTables), `seed ${seed}, round ${round}:\n${done.join('\n')}`).toEqual([]);
    }
  });
}

describe(`random transactions, seed ${seed}`, () => {
  test('leave the subscriber equal to the provider', { timeout: 120_000 }, async () => {
    await rounds(new Random(seed), 25);
  });

  test(`also with ${triggerSets} sets of random triggers of the application that change the same tables`, {
    timeout: 240_000,
  }, async () => {
    const random = new Random(seed + 1);
    for (let set = 0; set < triggerSets; set += 1) {
      const triggers = Array.from({ length: random.int(1, 3) }, (_, at) => randomTrigger(random, set * 10 + at));
      for (const trigger of triggers) await site.provider.run(trigger);
      await rounds(random, 3).catch((error: unknown) => {
        throw new Error(`with triggers\n${triggers.join(';\n')}\n${(error as Error).message}`, { cause: error });
      });
      for (let at = 0; at < triggers.length; at += 1)
        await site.provider.run(`DROP FUNCTION public.pf${set * 10 + at} CASCADE`);
    }
  });
});
