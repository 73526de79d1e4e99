// A bus to which somebody has access who should not: with bus.key, what he sends changes nothing and stops nobody.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, headers as makeHeaders, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { JetStreamHand } from '../harness/jetstream.ts';
import { expectEqual, play, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

const oldKey = 'kR7w-old-Jq3ZxN5vTm2Yb8Lc4Hd6Sf0P';
const newKey = 'kR7w-new-Gq9ZxN5vTm2Yb8Lc4Hd6Sf0Q';
const stream = 'millrace_hostile';

let ground: Ground;
let site: Site;
let hand: JetStreamHand;
let intruder: NatsConnection;

beforeAll(async () => {
  ground = await Ground.start({ name: 'hostile', servers: { provider: { major: 18 }, us: { major: 15 } } });
  site = await ground.site({ name: 'hostile', provider: 'provider', subscribers: { eu: 'provider', us: 'us' } });
  await site.begin();
  await stage(site, { schema: 'CREATE TABLE account (id int PRIMARY KEY, v text)', tables: ['account'] });
  hand = new JetStreamHand(ground.nats.url);
  intruder = await connect({ servers: ground.nats.url });
});

afterAll(async () => {
  await intruder?.close();
  await ground?.stop();
});

/** Restarts every service with another `bus:` section, one after another, while rows change. */
async function roll(section: string): Promise<void> {
  site.writeConfig();
  const text = readFileSync(site.configFile, 'utf8').replace(/^bus:\n/m, `bus:\n${section}`);
  writeFileSync(site.configFile, text);
  for (const service of [...site.services.values()].reverse()) {
    await service.stop();
    await site.provider.run(`INSERT INTO account SELECT coalesce(max(id), 0) + 1, 'rolled' FROM account`);
    service.start();
    await site.provider.run(`UPDATE account SET v = v || '.' WHERE id % 3 = 0`);
  }
}

test('a key is introduced and changed in a running installation, and nothing is lost', async () => {
  await play(site, ['account'], [`INSERT INTO account SELECT i, 'first' FROM generate_series(1, 100) i`]);
  for (const section of [
    `  key: ${oldKey}\n  accept_unsigned: true\n`,
    `  key: ${oldKey}\n`,
    `  key: [${oldKey}, ${newKey}]\n`,
    `  key: [${newKey}, ${oldKey}]\n`,
    `  key: ${newKey}\n`,
  ]) {
    await roll(section);
    await expectEqual(site, ['account'], 60_000);
  }
  await site.millrace('wait', '--timeout', '60s');
});

interface Genuine {
  readonly subject: string;
  readonly data: Buffer;
  readonly signature: string;
}

/** What the stream holds, as an intruder reads it. */
async function genuineBatches(): Promise<Genuine[]> {
  const { state } = (await hand.streams()).find((one) => one.config.name === stream) ?? {};
  const found: Genuine[] = [];
  for (let seq = state?.first_seq ?? 1; seq <= (state?.last_seq ?? 0); seq += 1) {
    const reply = await intruder.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify({ seq }));
    const { message } = JSON.parse(Buffer.from(reply.data).toString());
    if (message === undefined) continue;
    const head = Buffer.from(message.hdrs ?? '', 'base64').toString();
    const signature = /Millrace-Signature: *(\S+)/i.exec(head)?.[1] ?? '';
    found.push({ subject: message.subject, data: Buffer.from(message.data ?? '', 'base64'), signature });
  }
  return found;
}

/** A genuine message whose header says something else. */
function forge(data: Buffer, change: (header: Record<string, unknown>) => void): Buffer {
  const length = data.readUInt32BE(0);
  const header = JSON.parse(data.toString('utf8', 4, 4 + length));
  change(header);
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(json.length);
  return Buffer.concat([size, json, data.subarray(4 + length)]);
}

function publish(subject: string, data: Uint8Array | string, signature = ''): void {
  const headers = makeHeaders();
  if (signature !== '') headers.set('Millrace-Signature', signature);
  intruder.publish(subject, data, { headers });
}

type Hostile = (one: Genuine, n: number) => void;
const batch = 'millrace.hostile.batch';

/** Kinds of hostile messages; each is sent many times. */
const hostile: Readonly<Record<string, Hostile>> = {
  replayed: ({ data, signature }) => publish(batch, data, signature),
  unsigned: ({ data }) => publish(batch, data),
  continued: ({ data, signature }, n) => {
    const next = forge(data, (header) => {
      const tick = header['tick'] as { tick: number };
      header['prev'] = { ...tick, time: undefined };
      header['tick'] = { ...tick, tick: tick.tick + 1 + n, fingerprint: 'f'.repeat(32) };
    });
    publish(batch, next, signature);
  },
  cut: ({ data, signature }, n) => publish(batch, data.subarray(0, n % data.length), signature),
  moved: ({ data, signature }) => publish('millrace.hostile.backfill.eu', data, signature),
  'of another queue': ({ data, signature }) =>
    publish(
      batch,
      forge(data, (header) => (header['queue'] = 'other')),
      signature,
    ),
  oversized: (_one, n) => publish(batch, Buffer.alloc(n % 50 === 0 ? 900_000 : 5000, 0xff), '1;1;x'),
  copied: ({ data, signature }, n) => publish(`millrace.hostile.copy.${n % 5}`, data, signature),
  reported: (_one, n) =>
    publish(
      '$KV.millrace_hostile.us',
      JSON.stringify({ v: 1, kind: 'report', subscriber: n % 2 === 0 ? 'eu' : 'us', queue: 'hostile', tick: n }),
    ),
  noticed: (_one, n) => publish(n % 2 === 0 ? 'millrace.hostile.tick' : 'millrace.hostile.pulse', `{"tick":${n}}`),
};

test('two thousand hostile messages among the genuine ones change nothing, and are set aside by name', async () => {
  await play(site, ['account'], [`UPDATE account SET v = 'before'`, 'DELETE FROM account WHERE id % 10 = 0']);
  // Those from before the key have none.
  const genuine = (await genuineBatches()).filter(({ signature }) => signature !== '').slice(-50);
  await site.everywhere('CREATE TABLE late (id int PRIMARY KEY, v text)');
  await site.provider.run(`INSERT INTO late SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i`);
  const added = site.millrace('add', 'late');
  let sent = 0;
  for (let n = 0; sent < 2000; n += 1) {
    const one = genuine[n % genuine.length];
    if (one === undefined) throw new Error('no genuine batch');
    for (const send of Object.values(hostile)) {
      send(one, n);
      sent += 1;
    }
    if (n % 10 === 0) await site.provider.run(`UPDATE account SET v = 'during ${n}' WHERE id % 7 = ${n % 7}`);
    await intruder.flush();
  }
  await added;
  await site.provider.run(`INSERT INTO account SELECT 10000 + i, repeat('y', 500) FROM generate_series(1, 5000) i`);
  await site.millrace('wait', '--timeout', '60s');
  await expectEqual(site, ['account', 'late'], 60_000);
  for (const name of ['eu', 'us']) {
    const refused = await site
      .subscriber(name)
      .rows(`SELECT reason FROM millrace.refused_message WHERE reason NOT LIKE 'not signed by us%'`);
    expect(refused).toEqual([]);
    expect(site.service(`replay ${name}`).log).toContain('not signed by us');
  }
  const { stdout } = await site.command(['status']);
  expect(stdout).toContain('not signed by us');
  expect((await site.status()).subscribers.map(({ state, error }) => [state, error])).toEqual([
    ['running', null],
    ['running', null],
  ]);
});

test('whoever may do everything on the bus, and empties or removes what is there, costs time and no row', async () => {
  const one = (await genuineBatches()).findLast(({ signature }) => signature.includes(';'));
  await hand.purge(stream);
  if (one !== undefined) publish(batch, one.data, one.signature);
  await play(site, ['account'], [`UPDATE account SET v = 'purged'`]);
  await hand.deleteStream(stream);
  await hand.deleteStream('KV_millrace_hostile');
  if (one !== undefined) publish(batch, one.data, one.signature);
  await play(site, ['account'], [`UPDATE account SET v = 'removed'`]);
});
