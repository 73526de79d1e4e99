// Maintains the capture triggers of a set, and reports the state of its ticker. On a session of its own, so that a refresh of
// ten thousand tables never delays a tick.
import { RunLoop } from '@millrace/lifecycle';
import { counter, gauge, logger } from '@millrace/telemetry';
import { pauseAfterRefresh } from './pace.ts';

/** What refresh of the capture triggers did or found at one table. */
export interface TriggerFinding {
  readonly table: string;
  readonly action: string;
  readonly problem: string | undefined;
}

/** The database as this loop needs it. */
export interface TriggerDatabase {
  refreshTriggers(): Promise<TriggerFinding[]>;
  /** Writes state and error of the ticker where admin reads them. */
  report(): Promise<void>;
  /** Frees the session; the next call opens one. Never throws. */
  close(): Promise<void>;
}

const repairs = counter('millrace_trigger_repairs', 'Capture triggers recreated or added');
const problems = gauge('millrace_trigger_problems', 'Tables whose changes may be missing');

/** What the passes know of each other. */
interface Memory {
  /** The problems logged already, by table, so that each is logged once and its end too. */
  readonly known: Map<string, string>;
  /** When the triggers are to be refreshed again. */
  nextRefreshAt: number;
}

/** How long a pass may go on after `stop`; nothing is lost when it is aborted. */
const lastPassMs = 2_000;

/** The loop; one pass is `maintainOnce`. */
export function triggerLoop(database: TriggerDatabase, pauseMs: number): RunLoop {
  const memory: Memory = { known: new Map(), nextRefreshAt: 0 };
  return new RunLoop({
    name: 'triggers',
    runOnce: () => maintainOnce(database, memory),
    idleMs: pauseMs,
    lastPass: { graceMs: lastPassMs, abort: () => database.close() },
    onFailed: () => database.close(),
    onStopped: () => database.close(),
  });
}

async function maintainOnce(database: TriggerDatabase, memory: Memory): Promise<void> {
  await database.report();
  const began = performance.now();
  if (began >= memory.nextRefreshAt) {
    logFindings(await database.refreshTriggers(), memory.known);
    const ended = performance.now();
    memory.nextRefreshAt = ended + pauseAfterRefresh(ended - began);
  }
}

function logFindings(findings: TriggerFinding[], known: Map<string, string>): void {
  const log = logger('triggers');
  const present = new Map<string, string>();
  for (const { table, action, problem } of findings) {
    if (problem !== undefined) present.set(table, problem);
    else if (action !== 'none') repairs.add(1);
    if (problem === undefined && action !== 'none') log.info({ table, action }, 'repaired the capture trigger');
  }
  for (const [table, problem] of present) {
    if (known.get(table) !== problem) log.error({ table, problem }, 'changes of this table may be missing');
  }
  for (const table of known.keys()) {
    if (!present.has(table)) log.info({ table }, 'changes of this table are captured again');
  }
  known.clear();
  for (const [table, problem] of present) known.set(table, problem);
  problems.set(present.size);
}
