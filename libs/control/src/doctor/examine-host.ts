import { statfs } from 'node:fs/promises';
import { type Config, makeFolder } from '@millrace/config';
import { showBytes } from '../command/show.ts';
import { type BareFinding, found, type Outcome } from './report.ts';

/** What streams, logs and a growing JetStream store may need. */
const minFreeBytes = 2 * 1024 * 1024 * 1024;

/** Inspects this host: whether there is space in data_dir, where logs and an own nats-server's store are. */
export async function examineHost(config: Config, freeBytes = freeOf): Promise<Outcome> {
  const dir = config.data_dir;
  try {
    const free = await freeBytes(dir);
    return found('disk', 'host', free < minFreeBytes ? [full(dir, free, config.bus.url === undefined)] : []);
  } catch {
    return {
      findings: [],
      notChecked: [{ side: 'host', check: 'disk', reason: `${dir} is not there and cannot be made` }],
    };
  }
}

async function freeOf(dir: string): Promise<number> {
  makeFolder(dir);
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

function full(dir: string, free: number, isOwn: boolean): BareFinding {
  const what = isOwn ? 'the store of the own nats-server and the logs' : 'the logs';
  const message = `has ${showBytes(free)} left for ${what}; a full disk stops the bus`;
  return { level: 'warning', object: dir, message, fix: `du -xh --max-depth=2 ${dir} | sort -h | tail` };
}
