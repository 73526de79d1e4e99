import type { Reporter, TestModule } from 'vitest/node';
import type { CpuTime } from './cpu-time.ts';

const shown = 20;

/** Prints the slowest files of a run, with the CPU time that each used: on a busy machine only that is comparable. */
export class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length < 2) return;
    const files = modules.map(timesOf).sort((a, b) => b.seconds - a.seconds);
    const cpu = files.reduce((sum, file) => sum + file.cpuSeconds, 0);
    const lines = files
      .slice(0, shown)
      .map((file) => `${column(file.seconds)}${column(file.cpuSeconds)}  ${file.path}`);
    const title = `Slowest files: seconds, CPU seconds of the file and its own processes (all ${files.length}: ${cpu.toFixed(0)})`;
    process.stdout.write(`\n${title}\n${lines.join('\n')}\n\n`);
  }
}

interface FileTimes {
  readonly path: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

function timesOf(module: TestModule): FileTimes {
  const { duration, collectDuration } = module.diagnostic();
  const { cpuMs = 0 } = module.meta() as Partial<CpuTime>;
  return { path: module.relativeModuleId, seconds: (duration + collectDuration) / 1000, cpuSeconds: cpuMs / 1000 };
}

function column(seconds: number): string {
  return seconds.toFixed(1).padStart(9);
}
