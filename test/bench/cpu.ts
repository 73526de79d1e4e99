import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second; Linux has had 100 on every platform we run on. */
const hertz = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Seconds, user and system. */
  readonly own: number;
  /** Seconds of children that ended and were waited for. */
  readonly ended: number;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const at = (n: number): number => Number(fields[n - 3]);
    return { pid, parent: at(4), own: (at(14) + at(15)) / hertz, ended: (at(16) + at(17)) / hertz };
  } catch {
    return undefined;
  }
}

/** Processor seconds used so far by a process and all below it, the ended ones too. Linux only. */
export function cpuSeconds(root: number): number {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => readStat(Number(entry)))
    .filter((stat): stat is Stat => stat !== undefined);
  const byParent = Map.groupBy(all, (stat) => stat.parent);
  let sum = 0;
  const visit = (stat: Stat): void => {
    sum += stat.own + stat.ended;
    for (const child of byParent.get(stat.pid) ?? []) visit(child);
  };
  const start = all.find((stat) => stat.pid === root);
  if (start !== undefined) visit(start);
  return sum;
}

/** Highest resident memory of a process so far, in MiB. */
export function peakMemoryMiB(pid: number): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return match === null ? Number.NaN : Math.round(Number(match[1]) / 1024);
}

/** A process and all below it. */
export function processTree(root: number): number[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => readStat(Number(entry)))
    .filter((stat): stat is Stat => stat !== undefined);
  const byParent = Map.groupBy(all, (stat) => stat.parent);
  const below = (pid: number): number[] => [pid, ...(byParent.get(pid) ?? []).flatMap((child) => below(child.pid))];
  return below(root);
}
