import { deleteStream, getBySequence, streamState } from '@millrace/bus';
import { startStopStress } from '@millrace/lifecycle/testing';
import type { Position } from '@millrace/model';
import { forceTick, readProviderOverview, requestCopy } from '@millrace/provider';
import { eventually } from '@millrace/testkit';
import { backfillSubject, batchSubject, encodeMessage, sha256Hex, streamName } from '@millrace/wire';
import { expect, test } from 'vitest';
import {
  makeBench,
  recordedTick,
  register,
  sendReport,
  storedBatches,
  untilStored,
  writeBatch,
  writeEvent,
} from '../test/bench.ts';

test.each([15, 18])('every tick interval becomes one batch, in an unbroken chain (PostgreSQL %i)', async (major) => {
  const bench = await makeBench({ major });
  const from = await register(bench, 'eu');
  await bench.start().start();
  await writeEvent(bench, 'I', 'entry', ['1', '2']);
  await writeEvent(bench, 'U', 'entry', ['2']);
  await writeEvent(bench, 'I', 'other', ['"a\nb"']);
  const first = await forceTick(bench.client, bench.queue);
  const second = await writeBatch(bench, ['3']);
  const batches = await untilStored(bench, second.tick);
  expect(batches.map((batch) => batch.header.prev)).toEqual([
    from,
    { tick: first.tick, fingerprint: first.fingerprint },
  ]);
  expect(batches[0]?.body).toBe('1\n2\n(U,2,)\n"a\nb"\n');
  expect(batches[0]?.header.sections.map((s) => [s.table.name, s.form, s.lines])).toEqual([
    ['entry', 'insert', 2],
    ['entry', 'change', 1],
    ['other', 'insert', 1],
  ]);
  expect(batches[0]?.header.trace).toContain(first.fingerprint);
});

test('capture works whatever its role prefers for transactions and limits', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  const hostile = new URL(bench.url);
  const preferred = {
    default_transaction_read_only: 'on',
    default_transaction_isolation: 'serializable',
    lock_timeout: '1ms',
    idle_in_transaction_session_timeout: '1ms',
    transaction_timeout: '50ms',
  };
  const options = Object.entries(preferred).map(([name, value]) => `-c ${name}=${value}`);
  hostile.searchParams.set('options', options.join(' '));
  await bench.start({ providerUrl: hostile.href }).start();
  const tick = await writeBatch(bench, ['1']);
  await untilStored(bench, tick.tick);
  await sendReport(bench, 'eu', tick);
  await eventually(async () => expect(await recordedTick(bench, 'eu')).toBe(tick.tick));
});

test('nothing is published without subscribers, and a new subscriber begins at its own tick', async () => {
  const bench = await makeBench();
  const capture = bench.start();
  await capture.start();
  await writeBatch(bench, ['1']);
  await eventually(() => capture.ready().ok);
  expect(await storedBatches(bench)).toEqual([]);
  const from = await register(bench, 'eu');
  const tick = await writeBatch(bench, ['2']);
  const batches = await untilStored(bench, tick.tick);
  expect(batches[0]?.header.prev).toEqual(from);
});

test('a reported position moves the record, forward only', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  await bench.start().start();
  const one = await writeBatch(bench, ['1']);
  const two = await writeBatch(bench, ['2']);
  await untilStored(bench, two.tick);
  await sendReport(bench, 'eu', two);
  await eventually(async () => expect(await recordedTick(bench, 'eu')).toBe(two.tick));
  await sendReport(bench, 'eu', one);
  const three = await writeBatch(bench, ['3']);
  await untilStored(bench, three.tick);
  expect(await recordedTick(bench, 'eu')).toBe(two.tick);
});

test.each(['deleted', 'purged'])(
  'a stream that was %s is filled again from where the slowest subscriber is',
  async (how) => {
    const bench = await makeBench();
    const from = await register(bench, 'eu');
    await bench.start().start();
    const tick = await writeBatch(bench, ['1']);
    await untilStored(bench, tick.tick);
    if (how === 'deleted') await deleteStream(bench.bus, streamName(bench.queue));
    else await bench.bus.streams.streams.purge(streamName(bench.queue));
    const next = await writeBatch(bench, ['2']);
    const batches = await untilStored(bench, next.tick);
    if (how === 'deleted') expect(batches[0]?.header.prev).toEqual(from);
    else
      await eventually(async () => {
        await sendReport(bench, 'eu', from);
        const again = await storedBatches(bench, backfillSubject(bench.queue, 'eu'));
        expect(again[0]?.header.prev).toEqual(from);
      });
  },
);

test('a stream that lost its end is written again from there', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  const capture = bench.start();
  await capture.start();
  await writeBatch(bench, ['1']);
  const second = await writeBatch(bench, ['2']);
  const before = await untilStored(bench, second.tick);
  await bench.bus.streams.streams.deleteMessage(streamName(bench.queue), before.at(-1)?.sequence ?? 0);
  const third = await writeBatch(bench, ['3']);
  await untilStored(bench, third.tick);
  await capture.stop();
  const last = await storedBatches(bench);
  await bench.bus.streams.streams.deleteMessage(streamName(bench.queue), last.at(-1)?.sequence ?? 0);
  await bench.start().start();
  const after = await untilStored(bench, third.tick);
  expect(after.at(-1)?.body).toBe('3\n');
});

test('a subscriber that says it lacks something is sent that, on its own subject, and no more than that', async () => {
  const bench = await makeBench();
  const from = await register(bench, 'eu');
  await register(bench, 'us');
  await bench.start({ stuckMs: 600_000 }).start();
  const ticks: Position[] = [];
  for (const value of ['1', '2', '3', '4']) ticks.push(await writeBatch(bench, [value]));
  await untilStored(bench, ticks[3]?.tick ?? 0);
  await sendReport(bench, 'eu', from, { gap: { from: from.tick, to: ticks[1]?.tick ?? 0 } });
  await eventually(async () => {
    const sent = await storedBatches(bench, backfillSubject(bench.queue, 'eu'));
    expect(sent[0]?.header.prev).toEqual(from);
    expect(sent.at(-1)?.header.tick.tick).toBe(ticks[1]?.tick);
  });
  await sendReport(bench, 'eu', ticks[3] ?? from);
  const five = await writeBatch(bench, ['5']);
  await untilStored(bench, five.tick);
  expect(await storedBatches(bench, backfillSubject(bench.queue, 'us'))).toEqual([]);
});

test('a running subscriber that does not move is sent what it lacks', async () => {
  const bench = await makeBench();
  const from = await register(bench, 'eu');
  await bench.start({ stuckMs: 200 }).start();
  const tick = await writeBatch(bench, ['1']);
  await untilStored(bench, tick.tick);
  await eventually(async () => {
    await sendReport(bench, 'eu', from);
    const sent = await storedBatches(bench, backfillSubject(bench.queue, 'eu'));
    expect(sent[0]?.header).toMatchObject({ prev: from, tick: { tick: tick.tick } });
  });
});

test('of two captures one leads; a frozen writer that returns is fenced off by the stream', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  const one = bench.start();
  const two = bench.start();
  await one.start();
  await eventually(() => one.ready().ok && one.ready().role === 'leader');
  await two.start();
  await eventually(() => two.ready().role === 'standby');
  const first = await writeBatch(bench, ['1']);
  const before = await untilStored(bench, first.tick);
  // What a writer with another cursor would do.
  const message = await getBySequence(bench.bus, streamName(bench.queue), before.at(-1)?.sequence ?? 0);
  await bench.bus.connection.request(batchSubject(bench.queue), message?.data);
  const second = await writeBatch(bench, ['2']);
  await untilStored(bench, second.tick);
  await one.stop();
  const third = await writeBatch(bench, ['3']);
  const all = await untilStored(bench, third.tick);
  expect([...new Set(all.map((batch) => batch.header.tick.tick))]).toEqual([first.tick, second.tick, third.tick]);
  expect(two.ready().role).toBe('leader');
});

test('rubbish and forged batches on the stream are skipped', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  await bench.start().start();
  const first = await writeBatch(bench, ['1']);
  const before = await untilStored(bench, first.tick);
  const publish = (data: Uint8Array) => bench.bus.connection.request(batchSubject(bench.queue), data);
  await publish(Buffer.from('rubbish'));
  const good = before.at(-1)?.header;
  if (good === undefined) throw new Error('no batch');
  const forged = {
    ...good,
    prev: { tick: 900, fingerprint: 'e'.repeat(32) },
    tick: { ...good.tick, tick: 901, fingerprint: 'f'.repeat(32) },
  };
  await publish(encodeMessage({ ...forged, sections: [], lines: 0, sha256: sha256Hex([]) }, []));
  const second = await writeBatch(bench, ['2']);
  const state = await eventually(async () => {
    const found = await streamState(bench.bus, streamName(bench.queue));
    return (found?.last ?? 0) >= (before.at(-1)?.sequence ?? 0) + 3 ? found : null;
  });
  const message = await getBySequence(bench.bus, streamName(bench.queue), state?.last ?? 0);
  expect(message?.data.includes(second.fingerprint)).toBe(true);
});

test('a provider that forgot ticks which subscribers have is a stop with a plain sentence', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  const capture = bench.start();
  await capture.start();
  const tick = await writeBatch(bench, ['1']);
  await untilStored(bench, tick.tick);
  await sendReport(bench, 'eu', { tick: tick.tick + 1000, fingerprint: 'a'.repeat(32) });
  await eventually(() => expect(capture.ready().reasons.join()).toContain('went back in time'));
  await eventually(async () => {
    const { rows } = await bench.client.query('SELECT error_code, error_message FROM millrace.service_report');
    expect(rows[0]).toMatchObject({ error_code: 'provider-history' });
  });
  const before = await storedBatches(bench);
  await writeBatch(bench, ['2']);
  await sendReport(bench, 'eu', tick);
  await eventually(async () => expect((await storedBatches(bench)).length).toBeGreaterThan(before.length));
});

test('one subscriber with another history does not stop the batches for those that fit', async () => {
  const bench = await makeBench();
  for (const name of ['eu', 'us']) await register(bench, name);
  const capture = bench.start();
  await capture.start();
  const tick = await writeBatch(bench, ['1']);
  await untilStored(bench, tick.tick);
  await sendReport(bench, 'us', tick);
  await eventually(async () => expect(await recordedTick(bench, 'us')).toBe(tick.tick));
  await sendReport(bench, 'eu', { tick: tick.tick + 1000, fingerprint: 'a'.repeat(32) });
  await eventually(async () => {
    const { rows } = await bench.client.query('SELECT state, error_code, error_message FROM millrace.service_report');
    expect(rows[0]).toMatchObject({
      state: 'running',
      error_code: 'provider-history',
      error_message: expect.stringContaining('the subscriber eu has applied tick'),
    });
  });
  const next = await writeBatch(bench, ['2']);
  await untilStored(bench, next.tick);
  await sendReport(bench, 'us', next);
  await eventually(async () => expect(await recordedTick(bench, 'us')).toBe(next.tick));
  expect(capture.ready().ok).toBe(true);
});

test('a stream with batches of another history is a stop', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  const first = bench.start();
  await first.start();
  await writeBatch(bench, ['1']);
  const tick = await writeBatch(bench, ['2']);
  await untilStored(bench, tick.tick);
  await first.stop();
  // As after a restore: the newest ticks are gone.
  await bench.client.query('DELETE FROM pgq.tick WHERE tick_id = $1', [tick.tick]);
  const capture = bench.start();
  await capture.start();
  await eventually(() => expect(capture.ready().reasons.join()).toContain('went back in time'));
});

test('start and stop in any order leave nothing behind', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  await startStopStress(() => bench.start());
});

test('a stream whose settings are altered while capture runs is repaired', async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  await bench.start().start();
  await untilStored(bench, (await writeBatch(bench, ['1'])).tick);
  const { streams } = bench.bus.streams;
  await streams.update(streamName(bench.queue), { max_msgs_per_subject: 1 });
  await eventually(async () => {
    const { config } = await streams.info(streamName(bench.queue));
    expect(config.max_msgs_per_subject).toBe(-1);
  });
});

test('a copy that the provider refuses is in the report of capture, and the batches continue', async () => {
  const bench = await makeBench();
  const from = await register(bench, 'eu');
  await bench.client.query('CREATE TABLE gone (id int PRIMARY KEY)');
  const table = { schema: 'public', name: 'gone' };
  await requestCopy(bench.client, { queue: bench.queue, table, subscribers: ['eu'] });
  await bench.client.query('DROP TABLE gone');
  await bench.start().start();
  const report = async () =>
    (await readProviderOverview(bench.client, bench.queue))?.services.find((one) => one.service === 'capture');
  await eventually(async () => {
    await sendReport(bench, 'eu', from);
    expect(await report()).toMatchObject({
      state: 'running',
      errorMessage: expect.stringContaining('public.gone'),
    });
  });
  await untilStored(bench, (await writeBatch(bench, ['1'])).tick);
  await bench.client.query('CREATE TABLE gone (id int PRIMARY KEY)');
  await eventually(
    async () => {
      await sendReport(bench, 'eu', from);
      expect(await report()).toMatchObject({ state: 'running', errorCode: null });
    },
    { timeoutMs: 20_000 },
  );
});
