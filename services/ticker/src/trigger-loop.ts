// Looks after the capture triggers of a set, and writes how its ticker fares. On a session of its own, so that a look at ten
// thousand tables never delays a tick.
import { RunLoop } from '@millrace/lifecycle';
import { counter, gauge, logger } from '@millrace/telemetry';
import { restAfterLook } from './pace.ts';

/** What refresh of the capture triggers did or found at one table. */
export type TriggerFinding = { table: string; action: string; problem: string | undefined };

/** The database as this loop needs it. */
export type TriggerKeeper = {
  refreshTriggers(): Promise<TriggerFinding[]>;
  /** Writes state and error of the ticker where admin reads them. */
  report(): Promise<void>;
  /** Frees the session; the next call opens one. Never throws. */
  close(): Promise<void>;
};

const repairs = counter('millrace_trigger_repairs', 'Capture triggers made anew or added');
const problems = gauge('millrace_trigger_problems', 'Tables whose changes may be missing');

/** What the passes know of each other. */
type Memory = {
  /** The problems told already, by table, so that each is logged once and its end too. */
  known: Map<string, string>;
  /** When the triggers are to be looked after again. */
  nextLook: number;
};

/** How long a pass may go on after the loop was told to stop; nothing in it is lost by breaking it off. */
const LAST_PASS_MS = 2_000;

/** The loop; one pass is `lookOnce`. */
export function triggerLoop(keeper: TriggerKeeper, pauseMs: number): RunLoop {
  const memory: Memory = { known: new Map(), nextLook: 0 };
  return new RunLoop({
    name: 'triggers',
    runOnce: () => lookOnce(keeper, memory),
    idleMs: pauseMs,
    lastPass: { graceMs: LAST_PASS_MS, abort: () => keeper.close() },
    onFailed: () => keeper.close(),
    onStopped: () => keeper.close(),
  });
}

async function lookOnce(keeper: TriggerKeeper, memory: Memory): Promise<void> {
  await keeper.report();
  const began = performance.now();
  if (began >= memory.nextLook) {
    tell(await keeper.refreshTriggers(), memory.known);
    const ended = performance.now();
    memory.nextLook = ended + restAfterLook(ended - began);
  }
}

function tell(findings: TriggerFinding[], known: Map<string, string>): void {
  const log = logger('triggers');
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
