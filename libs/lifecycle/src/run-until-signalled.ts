// A process around a service: signals in, exit code out.
import { verdictOf } from '@millrace/errors';
import { logger } from '@millrace/telemetry';
import { checkFailpoints } from './failpoints.ts';
import type { Service } from './service.ts';

export type RunUntilSignalledOptions = {
  /** Longest graceful stop. Milliseconds, default 10,000; after that the process ends all the same, exit code 1. */
  graceMs?: number;
};

/**
 * Starts `service` and runs until SIGTERM or SIGINT, then stops it and exits 0; a second signal, not sooner than a quarter of
 * a second after it, exits at once (130 or 143). An error at start, an unhandled rejection or an uncaught exception is logged once and exits 1 (2 for a wrong
 * configuration). A reader that closed our stdout or stderr does not kill us. Never returns.
 */
export async function runUntilSignalled(service: Service, options: RunUntilSignalledOptions = {}): Promise<never> {
  surviveClosedOutput();
  const ending = endingOfThisProcess();
  // A service that waits for something unreferenced must not end by running dry.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  const starting = begin(service).catch(ending.fail);
  const code = await ending.asked;
  const graceMs = options.graceMs ?? 10_000;
  const stopCode = await within(
    starting.then(() => service.stop()),
    graceMs,
  );
  clearInterval(keepAlive);
  process.exit(Math.max(code, stopCode));
}

/** npm, timeout and terminals send a signal to the process and once more to its group: that is one wish. Milliseconds. */
const ECHO_MS = 250;

async function begin(service: Service): Promise<void> {
  checkFailpoints();
  await service.start();
}

function endingOfThisProcess() {
  const { promise: asked, resolve } = Promise.withResolvers<number>();
  let isAsked = false;
  let askedAt = 0;
  const end = (code: number) => {
    if (!isAsked) askedAt = performance.now();
    isAsked = true;
    resolve(code);
  };
  const onSignal = (signal: 'SIGTERM' | 'SIGINT') => {
    if (isAsked) {
      if (performance.now() - askedAt > ECHO_MS) process.exit(signal === 'SIGTERM' ? 143 : 130);
      return;
    }
    logger().info({ signal }, 'stopping');
    end(0);
  };
  const fail = (error: unknown) => {
    const verdict = verdictOf(error);
    // Where in the program a wrong configuration was noticed helps nobody.
    const shown = verdict.exitCode === 2 ? {} : { err: error };
    if (!isAsked) logger().fatal({ ...shown, code: verdict.code }, `ends: ${verdict.sentence}`);
    end(verdict.exitCode);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  return { asked, fail };
}

async function within(work: Promise<unknown>, graceMs: number): Promise<0 | 1> {
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, graceMs, 'late'));
  try {
    if ((await Promise.race([work, late])) !== 'late') return 0;
    logger().error({ grace_ms: graceMs }, 'did not stop in time; ends now');
  } catch (error) {
    logger().error({ err: error }, 'failed while stopping');
  }
  return 1;
}

function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
