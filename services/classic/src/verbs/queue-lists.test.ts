import { describe, expect, it } from 'vitest';
import { showConfig, showConsumers, showQueues } from './queue-lists.ts';

const queue = {
  name: 'londiste.write',
  tables: '3',
  rotation: '02:00:00',
  max_count: '500',
  max_lag: '00:00:03',
  idle: '00:01:00',
  paused: 'false',
  ticker_lag: '1 day 00:00:05',
};

describe('the lists of pgqadm', () => {
  it('have a line a queue', () => {
    const [head, , line] = showQueues([queue]).split('\n');
    expect(head).toMatch(/^Event queue +Rotation +Ticker +TLag$/);
    expect(line).toMatch(/^londiste\.write +3\/2h +500\/3s\/1m +1d5s$/);
  });

  it('have the consumers below their queue', () => {
    const row = (name: string, lag: string | null) => ({
      queue: 'q',
      name,
      is_subscriber: false,
      lag,
      last_seen: '00:00:00',
    });
    const lines = showConsumers([row('a', '00:00:07'), row('b', null)]).split('\n');
    expect(lines.slice(2, 5)).toEqual([
      'q:',
      expect.stringMatching(/^ {4}a +7s +0s$/),
      expect.stringMatching(/^ {4}b +- +0s$/),
    ]);
  });

  it('have the settings of a queue', () => {
    expect(showConfig([queue]).split('\n').slice(0, 2)).toEqual(['londiste.write', '    ticker_max_count    = 500']);
  });
});
