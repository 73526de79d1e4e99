import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readReplica, readTicker, subscriberName } from './settings.ts';

function ini(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-ini-')), 'a.ini');
  writeFileSync(file, text);
  return file;
}

const replica = `[londiste]
job_name = lmaster_to_slave
provider_db = dbname=foo host=127.0.0.1 port=5555 user=chry password=p
subscriber_db = dbname=foo host=127.0.0.1 port=5556 user=chry password=p
# it will be used as sql ident so no dots/spaces
pgq_queue_name = londiste.write
pidfile = %(job_name)s.pid
logfile = ~/%(job_name)s.log
use_skylog = 0
`;

describe('the files of the guide', () => {
  it('are understood, with paths relative to the current folder', () => {
    const ticker = `[pgqadm]\njob_name = ticker\ndb = dbname=foo host=127.0.0.1 port=5555 user=chry password=p\nmaint_delay_min = 1\nloop_delay = 0.1\nlogfile = %(job_name)s.log\npidfile = %(job_name)s.pid\nuse_skylog = 0\n`;
    expect(readTicker(ini(ticker), { cwd: '/srv' })).toMatchObject({
      jobName: 'ticker',
      providerUrl: 'postgresql://chry:p@127.0.0.1:5555/foo',
      loopDelayMs: 100,
      maintenanceMs: 60_000,
      logFile: '/srv/ticker.log',
      pidFile: '/srv/ticker.pid',
      dataDir: '/srv/.millrace/classic/ticker',
      unknown: [],
    });
    const read = readReplica(ini(replica), { cwd: '/srv', set: new Map([['bus_url', 'nats://bus:4222']]) });
    expect(read).toMatchObject({ queue: 'londiste.write', subscriber: 'lmaster_to_slave', busUrl: 'nats://bus:4222' });
    expect(read.subscriberUrl).toBe('postgresql://chry:p@127.0.0.1:5556/foo');
    expect(read.logFile).not.toContain('~');
  });

  it('name a missing key, and unknown ones are only told', () => {
    expect(() => readReplica(ini('[londiste]\njob_name = j\n'))).toThrow(/lacks the key provider_db$/);
    expect(() => readTicker(ini(replica))).toThrow(/has no section \[pgqadm\]$/);
    expect(() => readTicker('/nowhere.ini')).toThrow('cannot be read');
    expect(readReplica(ini(`${replica}colour = blue\n`)).unknown).toEqual(['colour']);
    expect(() => readReplica(ini(`${replica}loop_delay = soon\n`))).toThrow(/the value of loop_delay is wrong$/);
  });
});

describe("a job's name as a subscriber's", () => {
  it('stays when it may, and two different ones stay different', () => {
    expect(subscriberName('lmaster_to_slave')).toBe('lmaster_to_slave');
    expect(subscriberName('a.b')).toMatch(/^a_b-[0-9a-f]{6}$/);
    expect(subscriberName('a b')).not.toBe(subscriberName('a.b'));
    expect(subscriberName('x'.repeat(200))).toMatch(/^[a-z0-9_-]{1,63}$/);
  });
});
