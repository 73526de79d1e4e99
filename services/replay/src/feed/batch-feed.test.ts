import type { Delivered, Reader } from '@millrace/bus';
import type { RefusedMessage } from '@millrace/subscriber';
import { encodeMessage } from '@millrace/wire';
import { unsignedKeyring } from '@millrace/wire/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { messagesOf, provider, type TestBatch, tickOf } from '../../test/test-batches.ts';
import { BatchFeed, type NextRequest, type Ready } from './batch-feed.ts';

const queue = 'main';
const section = {
  table: { schema: 'public', name: 't' },
  form: 'insert' as const,
  columns: ['id'],
  key: ['id'],
  records: Array.from({ length: 100 }, (_, n) => String(n)),
};

let stopper: AbortController;
let refused: RefusedMessage[];
let feed: BatchFeed | undefined;

beforeEach(() => {
  stopper = new AbortController();
  refused = [];
});

afterEach(() => feed?.close());

function encode(batch: Omit<TestBatch, 'queue' | 'sections'>): Buffer[] {
  return messagesOf({ queue, sections: [section], ...batch }).map(({ header, body }) => encodeMessage(header, [body]));
}

/** Gives messages and then waits until it is closed. */
function readerOf(messages: readonly Buffer[]): Reader {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  return {
    close,
    async *[Symbol.asyncIterator]() {
      for (const [at, data] of messages.entries()) {
        const item: Delivered = {
          kind: 'message',
          sequence: at + 1,
          subject: 's',
          deleted: false,
          pending: 0,
          data,
          signature: undefined,
        };
        yield item;
      }
      await closed;
    },
  };
}

function open(batches: readonly Buffer[], backfill: readonly Buffer[] = []): BatchFeed {
  feed = new BatchFeed({
    queue,
    keyring: unsignedKeyring(queue),
    openBatches: (from) => readerOf(batches.slice(from - 1)),
    openBackfill: () => readerOf(backfill),
    from: 1,
    wholeBytes: 2000,
    chunkTimeoutMs: 60_000,
    signal: stopper.signal,
    onRefused: (message) => refused.push(message),
  });
  return feed;
}

function request(tick = 1, more: Partial<NextRequest> = {}): NextRequest {
  return { position: { ...tickOf(tick), provider }, timeoutMs: 10_000, isOneByOne: false, upTo: undefined, ...more };
}

/** The next work once all messages have arrived: they arrive one by one. */
async function settled(from: BatchFeed, isDone: (ready: Ready | undefined) => boolean, wanted = request()) {
  for (;;) {
    const ready = await from.next({ ...wanted, timeoutMs: 10 });
    if (isDone(ready)) return ready;
  }
}

test('batches that wait behind each other are given together, up to a tick, or one by one', async () => {
  const batches = [1, 2, 3].flatMap((from) => encode({ from }));
  const ready = await settled(open(batches), (one) => one?.batches === 3);
  expect(ready).toMatchObject({ from: { tick: 1 }, to: { tick: 4 }, sequence: 3 });
  expect(await feed?.next(request(1, { upTo: 3 }))).toMatchObject({ batches: 2, to: { tick: 3 }, sequence: 2 });
  expect(await feed?.next(request(1, { isOneByOne: true }))).toMatchObject({
    batches: 1,
    to: { tick: 2 },
    sequence: 1,
  });
});

test('a batch that lies ahead is a gap, and what fills it comes by the backfill', async () => {
  const ahead = encode({ from: 3 });
  const gap = open(ahead);
  await settled(gap, () => gap.gaps.gap !== null);
  expect(gap.gaps.gap).toEqual({ from: 1, to: 3 });
  gap.close();
  const filled = open(
    ahead,
    [1, 2].flatMap((from) => encode({ from })),
  );
  expect(await settled(filled, (one) => one?.batches === 2)).toMatchObject({ to: { tick: 3 }, sequence: null });
  expect(filled.gaps.isClear).toBe(true);
});

test('a batch of another history is not given', async () => {
  const other = open(encode({ from: 1, history: 'restored' }));
  await settled(other, () => other.gaps.otherHistory !== undefined);
  expect(other.gaps.otherHistory).toMatchObject({ code: 'provider-history' });
});

test('a batch whose chunks contradict its totals is refused, and requested again', async () => {
  const [first, ...rest] = messagesOf({ queue, from: 1, sections: [section], chunkBytes: 100 });
  const wrong = [first, ...rest].map((message) => {
    if (message === undefined) throw new Error('no chunk');
    const { header, body } = message;
    const total = header.total === undefined ? {} : { total: { ...header.total, lines: 7 } };
    return encodeMessage({ ...header, ...total }, [body]);
  });
  const damaged = open(wrong);
  await settled(damaged, () => refused.length > 0);
  expect(refused).toMatchObject([{ reason: 'another number of lines than announced' }]);
  await settled(damaged, () => damaged.gaps.gap !== null);
  expect(damaged.gaps.gap).toEqual({ from: 1, to: null });
});

test('the wait for the rest of a large batch ends with the signal', async () => {
  const large = { ...section, records: Array.from({ length: 3000 }, (_, n) => String(n)) };
  const chunks = messagesOf({ queue, from: 1, sections: [large], chunkBytes: 1000 });
  const begun = chunks.slice(0, 4).map(({ header, body }) => encodeMessage(header, [body]));
  const ready = await settled(open(begun), (one) => one !== undefined);
  if (ready === undefined || !('streamed' in ready.work)) throw new Error('not streamed');
  const taken: number[] = [];
  const reading = (async () => {
    if (!('streamed' in ready.work)) return;
    for await (const { header } of ready.work.streamed.open()) {
      taken.push(header.chunk);
      if (taken.length === 4) setImmediate(() => stopper.abort());
    }
  })();
  await expect(reading).rejects.toMatchObject({ message: expect.stringMatching(/replay is stopping/) });
  expect(taken).toEqual([0, 1, 2, 3]);
});
