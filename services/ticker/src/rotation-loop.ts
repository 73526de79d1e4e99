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

/** The loop of maintenance; one pass is `maintainOnce`. */
export function rotationLoop(maintenance: Maintenance, pauseMs: number): RunLoop {
  const known = new Map<string, string>();
  return new RunLoop({
    name: 'maintenance',
    runOnce: () => maintainOnce(maintenance, known),
    idleMs: pauseMs,
    onFailed: () => maintenance.close(),
    onStopped: () => maintenance.close(),
  });
}

/** One pass. `known` holds the problems told already, by table, so that each is logged once and its end too. */
async function maintainOnce(maintenance: Maintenance, known: Map<string, string>): Promise<void> {
  const clock = performance.now();
  await maintenance.report();
  await failpoint(BEFORE_MAINTENANCE);
  steps.add(await maintenance.runDue());
  await failpoint(AFTER_MAINTENANCE);
  tell(await maintenance.refreshTriggers(), known);
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
