import { type Bus, connectBus, onNotice } from '@millrace/bus';
import { eventually, sharedNatsUrl, uniqueName } from '@millrace/testkit';
import { tickSubject } from '@millrace/wire';
import { unsignedKeyring } from '@millrace/wire/testing';
import { expect, onTestFinished, test } from 'vitest';
import { Notices } from './notices.ts';

test('notices go on after their connection was closed for good', async () => {
  const queue = uniqueName('q');
  const made: Bus[] = [];
  const notices = new Notices({
    queue,
    busUrl: () => sharedNatsUrl(),
    keyring: unsignedKeyring(queue),
    connect: async (url, options) => {
      const bus = await connectBus(url, options);
      made.push(bus);
      return bus;
    },
  });
  const listener = await connectBus(sharedNatsUrl(), { name: 'test' });
  onTestFinished(() => listener.close());
  let received = 0;
  onNotice(listener, tickSubject(queue), () => {
    received += 1;
  });
  await notices.loop.start();
  onTestFinished(() => notices.loop.stop());
  const isReceived = () => {
    notices.send({ tick: 1 });
    return received > 0;
  };
  await eventually(isReceived);
  await made[0]?.connection.close();
  await eventually(() => made.length === 2);
  received = 0;
  await eventually(isReceived);
  expect(made[1]?.isConnected()).toBe(true);
});
