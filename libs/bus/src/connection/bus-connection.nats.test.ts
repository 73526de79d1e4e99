import { eventually, sharedNatsUrl, startOwnNats } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type Bus, BusConnection, connectBus } from '../mod.ts';

type Options = ConstructorParameters<typeof BusConnection>[0];

function connectionTo(url: Options['url'], more: Partial<Options> = {}): BusConnection {
  const connection = new BusConnection({ name: 'test', url, whileLost: 'return', ...more });
  onTestFinished(() => connection.close());
  return connection;
}

test('a connection is made once, and made again after it was closed for good', async () => {
  const connection = connectionTo(() => sharedNatsUrl());
  const [first, same] = await Promise.all([connection.get(), connection.get()]);
  expect(same).toBe(first);
  expect(connection.current).toBe(first);
  await first.connection.close();
  const second = await connection.get();
  expect(second).not.toBe(first);
  expect(second.isConnected()).toBe(true);
});

test('while the connection is lost a reader gets it all the same, and a writer the reason; both have it again when it is back', async () => {
  const server = await startOwnNats();
  const reader = connectionTo(() => server.url);
  const writer = connectionTo(() => server.url, { whileLost: 'throw' });
  const [read, written] = [await reader.get(), await writer.get()];
  await server.kill('SIGKILL');
  await eventually(() => !read.isConnected() && !written.isConnected());
  expect(await reader.get()).toBe(read);
  await expect(writer.get()).rejects.toMatchObject({ code: 'bus-unavailable' });
  await server.start();
  await eventually(() => read.isConnected() && written.isConnected());
  expect(await reader.get()).toBe(read);
  expect(await writer.get()).toBe(written);
});

test.each(['return', 'throw'] as const)(
  'a lost connection is left for a new URL (while lost: %s)',
  async (whileLost) => {
    const server = await startOwnNats();
    let url = server.url;
    const connection = connectionTo(() => url, { whileLost });
    const first = await connection.get();
    await server.kill('SIGKILL');
    await eventually(() => !first.isConnected());
    url = sharedNatsUrl();
    const second = await connection.get();
    expect(second.isConnected()).toBe(true);
    expect(first.connection.isClosed()).toBe(true);
  },
);

test('without a URL it says what to do', async () => {
  const connection = connectionTo(() => undefined);
  await expect(connection.get()).rejects.toMatchObject({ code: 'bus-unavailable', advice: /millrace up/ });
});

/** A server that answers on command. */
function slowConnect() {
  const { promise: answer, resolve } = Promise.withResolvers<void>();
  let late: Bus | undefined;
  const connect: typeof connectBus = async (url, options) => {
    await answer;
    late = await connectBus(url, options);
    return late;
  };
  return { connect, answer: resolve, late: () => late };
}

test('a close does not wait for a server that does not answer, and closes the connection that comes too late', async () => {
  const { connect, answer, late } = slowConnect();
  const connection = connectionTo(() => sharedNatsUrl(), { connect });
  const getting = connection.get();
  const refused = expect(getting).rejects.toMatchObject({ code: 'bus-unavailable' });
  await connection.close();
  answer();
  await refused;
  expect(late()?.connection.isClosed()).toBe(true);
  await expect(connection.get()).rejects.toMatchObject({ code: 'bus-unavailable' });
});

test('an abort ends the wait for a connection, not the connection', async () => {
  const { connect, answer } = slowConnect();
  const connection = connectionTo(() => sharedNatsUrl(), { connect });
  const stop = new AbortController();
  const getting = connection.get(stop.signal);
  stop.abort();
  await expect(getting).rejects.toMatchObject({ code: 'bus-unavailable' });
  answer();
  expect((await connection.get()).isConnected()).toBe(true);
});
