import { codes } from '@millrace/errors';
import { forceTick, intervalsAfter, systemIdentifier } from '@millrace/provider';
import { batchSubject } from '@millrace/wire';
import { unsignedKeyring } from '@millrace/wire/testing';
import { expect, onTestFinished, test } from 'vitest';
import { makeBench, storedBatches, writeBatch } from '../../test/bench.ts';
import { ForeignMessages } from '../subscribers/foreign-messages.ts';
import { openBatchStream } from './batch-stream.ts';
import { IntervalPublisher } from './interval-publisher.ts';

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
  const stream = await openBatchStream(bus, {
    queue,
    keyring: unsignedKeyring(queue),
    foreign: new ForeignMessages(),
    maxBytes: 32 * 1024 * 1024,
  });
  onTestFinished(() => stream.publisher.close());
  const writer = { stream, provider: await systemIdentifier(client) };
  const subject = { name: batchSubject(queue), line: 'main', maxUnreadBytes: 1 } as const;
  const { signal } = new AbortController();
  const publisher = new IntervalPublisher({ queue, providerUrl: bench.url }, writer, subject, signal);
  await expect(publisher.publish(client, interval)).rejects.toMatchObject({ code: codes.POSITION });
  await stream.publisher.flush();
  expect(await storedBatches(bench)).toEqual([]);
});
