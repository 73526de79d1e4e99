import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { JetStreamHand } from '../harness/jetstream.ts';
import { expectEqual, play, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  // A bus that takes small messages only.
  ground = await Ground.start({
    name: 'bus',
    servers: { provider: { major: 18 }, eu: { major: 15 } },
    maxPayload: 65_536,
  });
  site = await ground.site({ name: 'bus', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.begin();
});

afterAll(() => ground.stop());

const stream = 'millrace_bus';

describe('a bus that is small, away or meddled with', () => {
  test('rows far larger than a message arrive in pieces, copied and followed', async () => {
    await stage(site, {
      schema: 'CREATE TABLE pieces (id int PRIMARY KEY, t text, b bytea)',
      before: `INSERT INTO pieces SELECT i, repeat('é"\\', 100000 + i), decode(repeat('00ff', 70000), 'hex') FROM generate_series(1, 5) i`,
      tables: ['pieces'],
    });
    await expectEqual(site, ['pieces']);
    await play(
      site,
      ['pieces'],
      [
        `INSERT INTO pieces SELECT i, repeat(E'\\n,"x', 90000), NULL FROM generate_series(11, 14) i`,
        "UPDATE pieces SET t = t || 'end', b = b || b",
        'INSERT INTO pieces SELECT i, repeat(i::text, 20), NULL FROM generate_series(100, 20000) i',
      ],
    );
  });

  test('while it is away the application goes on, and all is there soon after it is back', async () => {
    await stage(site, { schema: 'CREATE TABLE offline (id int PRIMARY KEY, v int)', tables: ['offline'] });
    await ground.nats.kill('SIGKILL');
    for (let i = 0; i < 50; i += 1) {
      await site.provider.run(
        `INSERT INTO offline SELECT ${i} * 100 + g, 0 FROM generate_series(1, 100) g; UPDATE offline SET v = v + 1 WHERE id % 7 = ${i % 7}`,
      );
    }
    const { code, stdout, stderr } = await site.command(['status'], { timeoutMs: 30_000 });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/bus/i);
    await ground.nats.start();
    await expectEqual(site, ['offline']);
    expect((await site.command(['wait', '--timeout', '30s'])).code).toBe(0);
  });

  test('a stream set to keep almost nothing loses messages, and no row', async () => {
    await stage(site, { schema: 'CREATE TABLE kept (id int PRIMARY KEY, v int)', tables: ['kept'] });
    const hand = new JetStreamHand(ground.nats.url);
    for (const careless of [
      { max_msgs: 1 },
      { max_age: 1_000_000_000, duplicate_window: 1_000_000_000 },
      { max_bytes: 20_000 },
    ]) {
      const before = await hand.config(stream);
      await hand.update(stream, careless);
      for (let i = 0; i < 10; i += 1) {
        await site.provider.run(
          'INSERT INTO kept SELECT coalesce(max(id), 0) + 1, 0 FROM kept; UPDATE kept SET v = v + 1',
        );
      }
      await site.sync();
      await hand.update(stream, before).catch(() => {});
      await play(site, ['kept'], ['UPDATE kept SET v = v + 1']);
    }
  });

  test('a stream that takes nothing more holds the queue back, and goes on when it is mended', async () => {
    const hand = new JetStreamHand(ground.nats.url);
    const before = await hand.config(stream);
    await hand.purge(stream);
    await hand.update(stream, { discard: 'new', max_bytes: 3000 });
    for (let i = 0; i < 20; i += 1) await site.provider.run(`INSERT INTO kept VALUES (${1000 + i}, 0)`);
    // The product may widen the stream by itself; if it does not, nothing gets through.
    await site.sync(undefined, 3000).catch(() => {});
    await hand.update(stream, before).catch(() => {});
    await expectEqual(site, ['kept'], 60_000);
  });

  test('services started while there is no bus wait for it', async () => {
    for (const kind of site.kinds) await site.service(kind).kill();
    await ground.nats.stop();
    site.startServices();
    await site.provider.run('UPDATE kept SET v = -1');
    await ground.nats.start();
    await expectEqual(site, ['kept']);
    expect(site.kinds.every((kind) => site.service(kind).lives === 2)).toBe(true);
  });
});
