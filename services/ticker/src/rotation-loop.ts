// Keeps the queue trim: runs the list of maintenance that the database returns (rotation, retries), looks after the
// capture triggers, and writes how the ticker fares. On a session of its own, so that a TRUNCATE never delays a tick.
import { defineFailpoints, failpoint, RunLoop } from '@millrace/lifecycle';
import { counter, gauge, histogram, logger } from '@millrace/telemetry';

/** What refresh of the capture triggers did or found at one table. */
export type TriggerFinding = { table: string; action: string; problem: string | undefined };

/** The database as this loop needs it; each call is a transaction of its own (rotation step 2 must not share step 1's). */
export type Maintenance = {
  /** Runs everything that is due; returns how many steps it ran. */
  runDue(): Promise<number>;
  refreshTriggers(): Promise<TriggerFinding[]>;
  /** Writes state and error of the ticker where admin reads them. */
  report(): Promise<void>;
  /** Frees the session; the next call opens one. Never throws. */
  close(): Promise<void>;
};

const [BEFORE_MAINTENANCE, AFTER_MAINTENANCE] = defineFailpoints(
  'ticker.before-maintenance',
  'ticker.after-maintenance',
);

const steps = counter('millrace_maintenance_steps', 'Maintenance steps run: rotations and moved retries');
const repairs = counter('millrace_trigger_repairs', 'Capture triggers made anew or added');
const problems = gauge('millrace_trigger_problems', 'Tables whose changes may be missing');
const seconds = histogram('millrace_maintenance_seconds', 'Time of one pass of maintenance');

/** What the passes know of each other. */
type Memory = {
  /** The problems told already, by table, so that each is logged once and its end too. */
  known: Map<string, string>;
  /** When the triggers are to be looked after again. */
  nextLook: number;
};

/** A look asks about every table: with many of them it is rarer, so that it never takes more than this share of the time. */
const LOOK_SHARE = 1 / 100;
/** How long a pass may go on after the loop was told to stop; nothing in it is lost by breaking it off. */
const LAST_PASS_MS = 2_000;

/** The loop of maintenance; one pass is `maintainOnce`. */
export function rotationLoop(maintenance: Maintenance, pauseMs: number): RunLoop {
  const memory: Memory = { known: new Map(), nextLook: 0 };
  return new RunLoop({
    name: 'maintenance',
    runOnce: (signal) => maintainUntilStopped(maintenance, memory, signal),
    idleMs: pauseMs,
    onFailed: () => maintenance.close(),
    onStopped: () => maintenance.close(),
  });
}

async function maintainUntilStopped(maintenance: Maintenance, memory: Memory, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const breakOff = () => {
    timer = setTimeout(() => void maintenance.close(), LAST_PASS_MS);
  };
  signal.addEventListener('abort', breakOff, { once: true });
  try {
    await maintainOnce(maintenance, memory);
  } finally {
    signal.removeEventListener('abort', breakOff);
    clearTimeout(timer);
  }
}

async function maintainOnce(maintenance: Maintenance, memory: Memory): Promise<void> {
  const clock = performance.now();
  await maintenance.report();
  await failpoint(BEFORE_MAINTENANCE);
  steps.add(await maintenance.runDue());
  await failpoint(AFTER_MAINTENANCE);
  const began = performance.now();
  if (began >= memory.nextLook) {
    tell(await maintenance.refreshTriggers(), memory.known);
    const ended = performance.now();
    memory.nextLook = ended + (ended - began) / LOOK_SHARE;
  }
  seconds.record((performance.now() - clock) / 1_000);
}

function tell(findings: TriggerFinding[], known: Map<string, string>): void {
  const log = logger('maintenance');
  const present = new Map<string, string>();
  for (const { table, action, problem } of findings) {
    if (problem !== undefined) present.set(table, problem);
    else if (action !== 'none') repairs.add(1);
    if (problem === undefined && action !== 'none') log.info({ table, action }, 'looked after the capture triggers');
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
