import { isDeepStrictEqual } from 'node:util';
import { toMillraceError } from '@millrace/errors';
import { listenForEnd } from '@millrace/lifecycle/ending';
import { reportStart } from './background.ts';
import type { ClassicLog } from './log.ts';
import { takePidFile } from './pid-file.ts';

/** What a daemon runs; made again when its file has changed. */
export interface DaemonWork {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface DaemonPlan<S extends { readonly pidFile: string | undefined }> {
  readonly settings: S;
  /** Reads the file again. */
  readonly read: () => S;
  readonly make: (settings: S) => DaemonWork;
  readonly log: ClassicLog;
}

/** How long whatever SIGTERM interrupts may take. Milliseconds. */
const killAfterMs = 3_000;

/**
 * Runs until SIGINT (stops softly) or SIGTERM (stops, and after 3 s ends whatever is left: nothing that runs here minds); SIGHUP
 * reads the file again. Holds the pid file meanwhile. Throws PROGRAM when it runs already.
 */
export async function runDaemon<S extends { readonly pidFile: string | undefined }>(
  plan: DaemonPlan<S>,
): Promise<void> {
  const { log } = plan;
  const release = plan.settings.pidFile === undefined ? () => {} : takePidFile(plan.settings.pidFile);
  process.once('exit', release);
  const ended = Promise.withResolvers<void>();
  let { settings } = plan;
  let work = plan.make(settings);
  let turn: Promise<void> = work.start();
  process.on('SIGHUP', () => {
    turn = turn.then(async () => {
      const next = readAgain(plan, settings);
      if (next === undefined) return;
      await work.stop();
      settings = next;
      work = plan.make(settings);
      await work.start();
    });
    turn.catch(ended.reject);
  });
  const stop = (signal: string) => {
    log.info(signal === 'SIGINT' ? 'stopping' : 'stopping now');
    if (signal === 'SIGTERM') setTimeout(() => process.exit(0), killAfterMs).unref();
  };
  // A later SIGTERM makes haste where SIGINT stops softly.
  const ending = listenForEnd({ onFirst: stop, onLater: stop, echoMs: 0 });
  ending.signal.addEventListener('abort', () => ended.resolve());
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, ended.reject);
  // What we wait for below keeps no process alive by itself.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  try {
    await turn;
    reportStart({ started: true });
    log.info('started');
    await ended.promise;
    await turn;
  } finally {
    clearInterval(keepAlive);
    await work.stop();
    release();
  }
  log.info('stopped');
}

/** Undefined when nothing is to be changed. A file that is wrong changes nothing. */
function readAgain<S extends { readonly pidFile: string | undefined }>(plan: DaemonPlan<S>, now: S): S | undefined {
  try {
    const next = { ...plan.read(), pidFile: now.pidFile };
    plan.log.info(isDeepStrictEqual(next, now) ? 'the file is unchanged' : 'the file has changed: starting again');
    return isDeepStrictEqual(next, now) ? undefined : next;
  } catch (error) {
    plan.log.error(`going on as before: ${toMillraceError(error).sentence}`);
    return undefined;
  }
}
