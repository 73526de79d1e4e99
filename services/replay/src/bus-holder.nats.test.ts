import { sharedNatsUrl } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { BusHolder } from './bus-holder.ts';

test('a connection that was closed for good is made anew', async () => {
  const holder = new BusHolder(() => sharedNatsUrl());
  onTestFinished(() => holder.close());
  const first = await holder.get();
  expect(await holder.get()).toBe(first);
  await first.connection.close();
  const second = await holder.get();
  expect(second).not.toBe(first);
  expect(second.isConnected()).toBe(true);
});
