import { eventually, NatsCluster, uniqueName } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type Bus, connectBus, ensureStream, openPublisher, openReader, streamCopies, streamState } from './mod.ts';

async function busTo(url: string): Promise<Bus> {
  const bus = await eventually(() => connectBus(url, { name: 'test' }), { timeoutMs: 30_000 });
  onTestFinished(() => bus.close());
  return bus;
}

async function write(bus: Bus, stream: string, text: string): Promise<void> {
  const state = await streamState(bus, stream);
  const publisher = openPublisher(bus, { stream, lastSequence: state?.last ?? 0 });
  await publisher.send(`${stream}.a`, Buffer.from(text));
  await publisher.flush().finally(() => publisher.close());
}

test('a stream on one server of a cluster gets replicas when they are wanted, and one whose server is gone for good is made again', async () => {
  const cluster = await NatsCluster.start();
  const [plain, safe] = [await busTo(cluster.url(1)), await busTo(cluster.url(3))];
  const [lost, kept] = [uniqueName('s'), uniqueName('s')];
  const definition = (name: string) => ({ name, subjects: [`${name}.>`], maxBytes: 32 * 1024 * 1024 });
  await eventually(() => ensureStream(plain, definition(lost)), { timeoutMs: 30_000 });
  await ensureStream(plain, definition(kept));
  for (const name of [lost, kept]) await write(plain, name, 'before');
  await eventually(
    async () => {
      await ensureStream(safe, definition(kept));
      expect(await streamCopies(safe, kept)).toEqual({ all: 3, current: 3 });
      return true;
    },
    { timeoutMs: 40_000 },
  );
  const texts: string[] = [];
  const reader = openReader(safe, { stream: kept, subject: `${kept}.a` });
  onTestFinished(() => reader.close());
  void (async () => {
    for await (const item of reader) if (item.kind === 'message') texts.push(item.data.toString());
  })();
  const { cluster: place } = await plain.streams.streams.info(lost);
  await cluster.loseDisk(cluster.named(place?.leader ?? ''));
  // What one server alone had is gone, its stream is not; what three had is read and written on.
  await eventually(() => write(safe, kept, 'after').then(() => true), { timeoutMs: 40_000 });
  await eventually(() => texts.at(-1) === 'after' || null, { timeoutMs: 30_000 });
  expect(texts[0]).toBe('before');
  const again = await eventually(() => ensureStream(plain, definition(lost)), { timeoutMs: 60_000 });
  expect(again).toMatchObject({ messages: 0 });
  await eventually(() => write(plain, lost, 'again').then(() => true), { timeoutMs: 20_000 });
});
