import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';

/** What this set-up notes of each test file, for the report at the end of the run. */
export interface CpuTime {
  /** CPU time in ms that the file used, with all processes that it started and that have ended. */
  cpuMs: number;
}

const self = '/proc/self/stat';
const msPerClockTick = 10;
let begin = 0;

beforeAll(() => {
  begin = cpuMs();
});

// The first hook registered is the last one run: by then the file has stopped its servers.
// biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures that a hook wants from its first parameter
afterAll(({}, file) => {
  (file.meta as Partial<CpuTime>).cpuMs = cpuMs() - begin;
});

/** User and system time of this process and of its children that were waited for; 0 where there is no /proc. */
function cpuMs(): number {
  if (!existsSync(self)) return 0;
  const fields = readFileSync(self, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * msPerClockTick, 0);
}
