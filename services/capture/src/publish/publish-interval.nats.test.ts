import { ensureStream, openPublisher } from '@millrace/bus';
import { codes } from '@millrace/errors';
import { forceTick, intervalsAfter, systemIdentifier } from '@millrace/provider';
import { batchSubject, streamName } from '@millrace/wire';
import { expect, onTestFinished, test } from 'vitest';
import { makeBench, storedBatches, writeBatch } from '../../test/bench.ts';
import { SectionKinds } from '../batch/section-kind.ts';
import { Pacer } from './pacer.ts';
import { publishInterval } from './publish-interval.ts';

// Nobody subscribes, or the one who does was set back: then rotation is free to empty what is being read.
test('a batch whose events were emptied before they were read is never sent as a whole one', async () => {
  const bench = await makeBench();
  const { bus, client, queue } = bench;
  const from = await forceTick(client, queue);
  await writeBatch(bench, ['1']);
  const [interval] = await intervalsAfter(client, queue, from.tick, 1);
  if (interval === undefined) throw new Error('no interval');
  for (let i = 0; i < 3; i += 1) {
    await client.query(`UPDATE pgq.queue SET queue_switch_time = now() - interval '1 day'`);
    await client.query('SELECT pgq.maint_rotate_tables_step1($1)', [queue]);
    await client.query('SELECT pgq.maint_rotate_tables_step2()');
  }
  const stream = streamName(queue);
  const subject = batchSubject(queue);
  const signal = new AbortController().signal;
  await ensureStream(bus, { name: stream, subjects: [subject], maxBytes: 32 * 1024 * 1024 });
  const publisher = openPublisher(bus, { stream });
  onTestFinished(() => publisher.close());
  const target = {
    queue,
    provider: await systemIdentifier(client),
    subject,
    line: 'main',
    publisher,
    maxPayload: bus.maxPayload(),
    kinds: new SectionKinds(),
    openAnother: bench.open,
    pacer: new Pacer({ bus, stream, subject, limitBytes: 1, patienceMs: 1, signal }),
    signal,
  };
  await expect(publishInterval(client, interval, target)).rejects.toMatchObject({ code: codes.POSITION });
  await publisher.flush();
  expect(await storedBatches(bench)).toEqual([]);
});
