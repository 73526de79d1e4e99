// A process around a service: signals in, exit code out.
import { flushCompileCache } from 'node:module';
import { verdictOf } from '@millrace/errors';
import { logger } from '@millrace/telemetry';
import { listenForEnd } from './ending.ts';
import { checkFailpoints } from './failpoints.ts';
import type { Service } from './service.ts';

export interface RunUntilSignalledOptions {
  /** Upper bound of the graceful stop. Milliseconds, default 10,000; after that the process ends all the same, exit code 1. */
  readonly graceMs?: number;
}

/**
 * Starts `service` and runs until SIGTERM or SIGINT, then stops it and exits 0; a second signal, not sooner than a quarter of
 * a second after it, exits immediately (130 or 143). An error at start, an unhandled rejection or an uncaught exception is logged once and exits 1 (2 for a wrong
 * configuration). A reader that closed our stdout or stderr does not kill us. Never returns.
 */
export async function runUntilSignalled(service: Service, options: RunUntilSignalledOptions = {}): Promise<never> {
  surviveClosedOutput();
  const end = new ProcessEnd();
  // A service that waits for something unreferenced must not end by running dry.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  const starting = begin(service).catch((error) => end.fail(error));
  const code = await end.requested();
  const graceMs = options.graceMs ?? 10_000;
  const stopCode = await within(
    starting.then(() => service.stop()),
    graceMs,
  );
  clearInterval(keepAlive);
  process.exit(Math.max(code, stopCode));
}

async function begin(service: Service): Promise<void> {
  checkFailpoints();
  await service.start();
  // What was compiled is otherwise kept at the exit only, which a process that is killed never reaches.
  flushCompileCache();
}

/** What ends this process, and with which exit code. */
class ProcessEnd {
  readonly #ending = listenForEnd({ onFirst: (signal) => logger().info({ signal }, 'stopping') });
  #code = 0;

  constructor() {
    process.on('uncaughtException', (error) => this.fail(error));
    process.on('unhandledRejection', (error) => this.fail(error));
  }

  /** Resolves with the exit code when the end is requested. */
  async requested(): Promise<number> {
    await this.#ending.requested;
    return this.#code;
  }

  /** Ends the process for an error, unless it ends already. */
  fail(error: unknown): void {
    if (this.#ending.signal.aborted) return;
    const verdict = verdictOf(error);
    // Where in the program a wrong configuration was noticed helps nobody.
    const shown = verdict.exitCode === 2 ? {} : { err: error };
    logger().fatal({ ...shown, code: verdict.code }, `ends: ${verdict.sentence}`);
    this.#code = verdict.exitCode;
    this.#ending.request();
  }
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
