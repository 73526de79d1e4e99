// The test every service must pass: start and stop in any order, twice, concurrently.
import type { Service } from '../src/service.ts';

export interface StressOptions {
  /** Random sequences to run. Default 20. */
  readonly rounds?: number;
  /** Upper bound of one start or stop. Milliseconds, default 5,000. */
  readonly limitMs?: number;
}

/**
 * Starts and stops services made by `make` in the ways that break naive ones. Throws an Error that names the step which
 * hung, threw, or left a stopped service ready. Needs no test framework: `await startStopStress(() => new Ticker(…))`.
 */
export async function startStopStress(make: () => Service, options: StressOptions = {}): Promise<void> {
  const { rounds = 20, limitMs = 5_000 } = options;
  await sequence('stop unstarted', make(), ['stop', 'stop'], limitMs);
  await sequence('start twice, stop twice', make(), ['start', 'start', 'stop', 'stop'], limitMs);
  await sequence('start again', make(), ['start', 'stop', 'start', 'stop'], limitMs);
  await concurrently('start and stop concurrently', make(), ['start', 'stop'], limitMs);
  await concurrently('two concurrent stops', make(), ['start', 'stop', 'stop'], limitMs);
  await concurrently('two concurrent starts', make(), ['start', 'start', 'stop'], limitMs);
  for (let round = 0; round < rounds; round++) {
    const steps = Array.from({ length: 6 }, (): Step => (Math.random() < 0.5 ? 'start' : 'stop'));
    const run = round % 2 === 0 ? sequence : concurrently;
    await run(`random ${steps.join(',')}`, make(), [...steps, 'stop'], limitMs);
  }
}

type Step = 'start' | 'stop';

async function sequence(title: string, service: Service, steps: Step[], limitMs: number): Promise<void> {
  for (const step of steps) await inTime(`${title}: ${step}`, service[step](), limitMs);
  mustBeDown(title, service);
}

async function concurrently(title: string, service: Service, steps: Step[], limitMs: number): Promise<void> {
  await inTime(title, Promise.all(steps.map((step) => service[step]())), limitMs);
  // The last step was a stop: it must win over the starts that were under way, without being called again.
  mustBeDown(title, service);
  await inTime(`${title}: one more stop`, service.stop(), limitMs);
}

function mustBeDown(title: string, service: Service): void {
  if (service.ready().ok) throw new Error(`${title}: stopped, yet says it is ready`);
}

async function inTime(title: string, work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${title}: took more than ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([work, late]);
  } catch (error) {
    throw new Error(`${title}: ${error instanceof Error ? error.message : 'failed'}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
