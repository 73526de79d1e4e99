import { eventually } from '@millrace/testkit';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test } from 'vitest';
import { queueDatabase } from '../../test/database.ts';
import { defineQueue } from '../mod.ts';

afterEach(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

async function textQueue() {
  const database = await queueDatabase();
  const queue = defineQueue({ name: database.name });
  const pool = database.pool();
  await queue.create(pool);
  const consumer = queue.consumer({ name: 'c', database: pool });
  await consumer.register();
  const consume = async (count: number) => {
    const seen: (string | null)[][] = [];
    await database.tick();
    const run = consumer.run((event) => void seen.push([event.payload, event.extra[3]]));
    await eventually(() => seen.length === count);
    await consumer.close();
    await run;
    return seen;
  };
  return { queue, pool, consume };
}

test('the span of the handler is linked to the span that sent the event; foreign events pass without a link', async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  const { queue, pool, consume } = await textQueue();
  await queue.send(pool, 'one');
  await queue.sendMany(pool, ['two', 'three']);
  await queue.send(pool, 'mine', { extra: [null, null, null, 'my own'] });
  await pool.query('SELECT pgq.insert_event($1, $2, $3)', [queue.name, 'foreign', 'four']);
  const seen = await consume(5);
  const spans = exporter.getFinishedSpans();
  const sends = spans.filter((span) => span.kind === SpanKind.PRODUCER);
  const handled = spans.filter((span) => span.kind === SpanKind.CONSUMER);
  expect(sends.map((span) => span.attributes['messaging.batch.message_count'])).toEqual([1, 2, 1]);
  const ids = sends.map((span) => span.spanContext().spanId);
  expect(handled.map((span) => span.links[0]?.context.spanId)).toEqual([ids[0], ids[1], ids[1], undefined, undefined]);
  expect(handled[0]?.links[0]?.context.traceId).toBe(sends[0]?.spanContext().traceId);
  expect(seen.map(([, extra]) => extra)).toEqual([
    expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    seen[1]?.[1],
    seen[1]?.[1],
    'my own',
    null,
  ]);
});

test('without an SDK nothing is written', async () => {
  const { queue, pool, consume } = await textQueue();
  await queue.send(pool, null);
  expect(await consume(1)).toEqual([[null, null]]);
});
