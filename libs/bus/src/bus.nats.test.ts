import { eventually, startOwnNats, uniqueName } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { apiCodeOf, apiCodes } from './connection/bus-errors.ts';
import {
  type Bus,
  connectBus,
  deleteKey,
  deleteStream,
  ensureBucket,
  ensureStream,
  getKey,
  lastMessage,
  messageFrom,
  openPublisher,
  openReader,
  putKey,
  type ReadItem,
  streamState,
  watchBucket,
} from './mod.ts';

const mb = 1024 * 1024;

async function busTo(url: string): Promise<Bus> {
  const bus = await connectBus(url, { name: 'test' });
  onTestFinished(() => bus.close());
  return bus;
}

async function setUp(extra = '') {
  const nats = await startOwnNats({ configExtra: extra });
  const bus = await busTo(nats.url);
  const name = uniqueName('s');
  const definition = { name, subjects: [`${name}.>`], maxBytes: 64 * mb };
  await ensureStream(bus, definition);
  return { nats, bus, name, subject: `${name}.a`, definition };
}

/** Collects what a reader gives, in the background. */
function collect(bus: Bus, options: Parameters<typeof openReader>[1]) {
  const items: ReadItem[] = [];
  const reader = openReader(bus, { idleCheckMs: 200, ...options });
  onTestFinished(() => reader.close());
  void (async () => {
    for await (const item of reader) items.push(item);
  })();
  const texts = () => items.map((item) => (item.kind === 'message' ? item.data.toString() : item.kind));
  return { items, texts, reader };
}

async function write(bus: Bus, where: { name: string; subject: string }, texts: string[]) {
  const publisher = openPublisher(bus, { stream: where.name });
  for (const text of texts) await publisher.send(where.subject, Buffer.from(text));
  await publisher.flush();
  publisher.close();
}

describe('streams', () => {
  test('an altered stream is set right and its messages stay', async () => {
    const { bus, name, subject, definition } = await setUp();
    await write(bus, { name, subject }, ['one', 'two']);
    await bus.streams.streams.update(name, {
      max_msgs_per_subject: 5,
      max_age: 600_000_000_000,
      max_bytes: 1024 * 1024,
    });
    const state = await ensureStream(bus, definition);
    expect(state).toMatchObject({ messages: 2, last: 2, maxBytes: 64 * mb });
    const info = await bus.streams.streams.info(name);
    expect(info.config).toMatchObject({ max_age: 0, max_msgs_per_subject: -1 });
  });

  test('a sealed stream is refused with advice', async () => {
    const { bus, name, definition } = await setUp();
    const sealed: object = { sealed: true };
    await bus.streams.streams.update(name, sealed);
    await expect(ensureStream(bus, definition)).rejects.toMatchObject({
      code: 'bus-refused',
      advice: expect.stringContaining('stream rm'),
    });
  });

  test('a stream is made smaller where the server has less space', async () => {
    const nats = await startOwnNats({ configExtra: '' });
    const bus = await busTo(nats.url);
    const state = await ensureStream(bus, { name: 'big', subjects: ['big'], maxBytes: 4_000_000 * mb });
    expect(state.maxBytes).toBeGreaterThan(0);
    expect(state.maxBytes).toBeLessThan(4_000_000 * mb);
    expect(await ensureStream(bus, { name: 'big', subjects: ['big'], maxBytes: 4_000_000 * mb })).toEqual(state);
  });
});

describe('publisher', () => {
  test('messages are stored in order with the fence of the last sequence, from an empty stream on', async () => {
    const { bus, name, subject } = await setUp();
    const publisher = openPublisher(bus, { stream: name, lastSequence: 0, windowMessages: 16 });
    for (let i = 1; i <= 500; i += 1) await publisher.send(subject, Buffer.from(String(i)));
    await publisher.flush();
    expect((await lastMessage(bus, name, subject))?.data.toString()).toBe('500');
    const found = await messageFrom(bus, name, { subject, sequence: 321 });
    expect(found).toMatchObject({ sequence: 321, data: Buffer.from('321') });
  });

  test('a second instance that wrote is noticed by the first message, and the publisher takes no more', async () => {
    const { bus, name, subject } = await setUp();
    const publisher = openPublisher(bus, { stream: name, lastSequence: 0 });
    await write(bus, { name, subject }, ['other']);
    const { stored } = await publisher.send(subject, Buffer.from('mine'));
    const error = await stored.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect([apiCodes.wrongLastSequence, apiCodes.wrongLastSequenceUnknown]).toContain(apiCodeOf(error));
    await expect(publisher.send(subject, Buffer.from('more'))).rejects.toThrow();
    expect(await streamState(bus, name)).toMatchObject({ last: 1 });
  });

  test('a lost connection fails what is on its way immediately', async () => {
    const { bus, nats, name, subject } = await setUp();
    const publisher = openPublisher(bus, { stream: name });
    await nats.kill('SIGSTOP');
    await publisher.send(subject, Buffer.from('x'));
    await nats.kill('SIGKILL');
    await expect(publisher.flush()).rejects.toMatchObject({ code: 'bus-unavailable' });
  });

  test('a publish that is not permitted fails with the reason, long before its time is out', async () => {
    const users = `authorization { users = [
      { user: a, password: a },
      { user: b, password: b, permissions: { publish: ["$JS.API.>"], subscribe: ">" } } ] }`;
    const nats = await startOwnNats({ configExtra: users });
    const url = (user: string) => `nats://${user}:${user}@127.0.0.1:${nats.port}`;
    const owner = await busTo(url('a'));
    await ensureStream(owner, { name: 'p', subjects: ['p.>'], maxBytes: 32 * mb });
    const bus = await busTo(url('b'));
    const publisher = openPublisher(bus, { stream: 'p', timeoutMs: 60_000 });
    await publisher.send('p.x', Buffer.from('x'));
    await expect(publisher.flush()).rejects.toMatchObject({ code: 'bus-refused' });
  });

  test('wrong credentials are refused in words that do not repeat them', async () => {
    const nats = await startOwnNats({ configExtra: 'authorization { user: a, password: right }' });
    const trial = connectBus(`nats://a:secret@127.0.0.1:${nats.port}`, { name: 'test' });
    await expect(trial).rejects.toMatchObject({ code: 'bus-refused', message: expect.not.stringContaining('secret') });
  });
});

describe('reader', () => {
  test('messages come in order from a place on, also those larger than the prefetch', async () => {
    const { bus, name, subject } = await setUp();
    await write(bus, { name, subject }, ['a', 'b', 'c', 'x'.repeat(3 * mb), 'd']);
    const { texts } = collect(bus, { stream: name, subject, from: 2, prefetchBytes: mb });
    await eventually(() => expect(texts().map((t) => t.slice(0, 1))).toEqual(['b', 'c', 'x', 'd']));
    await write(bus, { name, subject }, ['e']);
    await eventually(() => expect(texts().at(-1)).toBe('e'));
  });

  test('a receiver that takes nothing bounds what is held in memory', async () => {
    const { bus, name, subject } = await setUp();
    await write(
      bus,
      { name, subject },
      Array.from({ length: 40 }, () => 'x'.repeat(mb)),
    );
    const before = bus.connection.stats().inBytes;
    const reader = openReader(bus, { stream: name, subject, prefetchBytes: 4 * mb, idleCheckMs: 100 });
    onTestFinished(() => reader.close());
    const received = () => bus.connection.stats().inBytes - before;
    await eventually(() => expect(received()).toBeGreaterThan(2 * mb));
    let taken = 0;
    for await (const _ of reader) {
      taken += 1;
      expect(received()).toBeLessThan((taken + 6) * mb);
      if (taken === 40) break;
    }
  });

  test('a restarted server is read on without loss or repetition', async () => {
    const { bus, nats, name, subject } = await setUp();
    const { texts } = collect(bus, { stream: name, subject });
    await write(bus, { name, subject }, ['1', '2']);
    await eventually(() => expect(texts()).toEqual(['1', '2']));
    await nats.restart();
    await eventually(() => bus.isConnected());
    await write(bus, { name, subject }, ['3']);
    await eventually(() => expect(texts()).toEqual(['1', '2', '3']));
  });

  test('a stream that was made again gives a reset and then all that is in it', async () => {
    const { bus, name, subject, definition } = await setUp();
    const { texts } = collect(bus, { stream: name, subject });
    await write(bus, { name, subject }, ['1', '2']);
    await eventually(() => expect(texts()).toEqual(['1', '2']));
    await deleteStream(bus, name);
    await ensureStream(bus, definition);
    await write(bus, { name, subject }, ['a', 'b', 'c']);
    await eventually(() => expect(texts()).toEqual(['1', '2', 'reset', 'a', 'b', 'c']));
  });

  test('a purged stream and a deleted consumer are read on', async () => {
    const { bus, name, subject } = await setUp();
    const { texts } = collect(bus, { stream: name, subject });
    await write(bus, { name, subject }, ['1', '2']);
    await eventually(() => expect(texts().length).toBe(2));
    await bus.streams.streams.purge(name);
    for await (const consumer of bus.streams.consumers.list(name))
      await bus.streams.consumers.delete(name, consumer.name);
    await write(bus, { name, subject }, ['3']);
    await eventually(() => expect(texts()).toEqual(['1', '2', '3']));
  });

  test('a deleted message is a jump in the sequences', async () => {
    const { bus, name, subject } = await setUp();
    await write(bus, { name, subject }, ['1', '2', '3']);
    await bus.streams.streams.deleteMessage(name, 2);
    const { texts } = collect(bus, { stream: name, subject });
    await eventually(() => expect(texts()).toEqual(['1', '3']));
    expect((await messageFrom(bus, name, { subject, sequence: 1 }))?.sequence).toBe(1);
  });

  test('a stream that does not exist yet is waited for', async () => {
    const { bus, name, subject, definition } = await setUp();
    await deleteStream(bus, name);
    const { texts } = collect(bus, { stream: name, subject });
    await ensureStream(bus, definition);
    await write(bus, { name, subject }, ['1']);
    await eventually(() => expect(texts()).toEqual(['1']));
  });
});

describe('buckets', () => {
  test('values are kept, watched, and survive a bucket that was deleted', async () => {
    const { bus } = await setUp();
    const bucket = uniqueName('b');
    await ensureBucket(bus, { bucket });
    const seen = new Map<string, string>();
    onTestFinished(
      watchBucket(bus, bucket, (change) => {
        if (change.kind === 'value') seen.set(change.key, change.value?.toString() ?? '');
      }),
    );
    await putKey(bus, { bucket }, { key: 'a=20b', value: '1' });
    await putKey(bus, { bucket }, { key: 'a=20b', value: '2' });
    await eventually(() => expect(seen.get('a=20b')).toBe('2'));
    expect((await getKey(bus, bucket, 'a=20b'))?.value.toString()).toBe('2');
    await deleteStream(bus, `KV_${bucket}`);
    await putKey(bus, { bucket }, { key: 'c', value: '3' });
    await eventually(() => expect(seen.get('c')).toBe('3'));
    expect(await getKey(bus, bucket, 'a=20b')).toBeUndefined();
    await deleteKey(bus, bucket, 'c');
    expect(await getKey(bus, bucket, 'c')).toBeUndefined();
  });

  test('a key that is rewritten all the time is read without bringing the server down', async () => {
    const { bus } = await setUp();
    const bucket = uniqueName('b');
    await ensureBucket(bus, { bucket });
    await putKey(bus, { bucket }, { key: 'eu', value: '0' });
    let reading = true;
    const writing = (async () => {
      for (let n = 1; reading; n += 1) await putKey(bus, { bucket }, { key: 'eu', value: String(n) });
    })();
    let last = 0;
    for (let reads = 0; reads < 100; reads += 1) {
      const value = Number((await getKey(bus, bucket, 'eu'))?.value.toString());
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
    reading = false;
    await writing;
    expect(last).toBeGreaterThan(0);
  });
});
