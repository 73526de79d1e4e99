import { expect, it } from 'vitest';
import { configOf } from './service-config.ts';

it('says what the file said, whatever characters it holds, and bounds the pace of the ticker', () => {
  const parts = { queue: `a$\{HOME}$$\{b}"\\`, providerUrl: 'postgresql://u:p@h/d', dataDir: '/srv/x' };
  const config = configOf({ ...parts, subscriber: { name: 's', url: 'postgresql://u@h/e' }, loopDelayMs: 0 }, '/a.ini');
  expect(config).toMatchObject({
    queue: parts.queue,
    provider: { url: parts.providerUrl },
    subscribers: { s: { url: 'postgresql://u@h/e' } },
    data_dir: '/srv/x',
    ticker: { idle_ms: 10, active_ms: 10, queues_ms: 10 },
    file: '/a.ini',
  });
  expect(configOf({ ...parts, loopDelayMs: 1e9 }, '/a.ini').ticker).toMatchObject({ idle_ms: 60_000, active_ms: 10 });
  expect(configOf({ ...parts, busUrl: 'nats://t@h:4222' }, '/a.ini').bus.url).toBe('nats://t@h:4222');
});
