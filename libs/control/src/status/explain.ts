// One sentence for each state that status shows: what it means, and what a person can do.
import type { TableState } from '@millrace/model';

const subscriberStates = {
  running: () => 'it applies every batch as it arrives',
  paused: (name: string) => `it was paused; the queue keeps everything for it until \`millrace resume ${name}\``,
  stopped: () =>
    'it applies nothing; it retries automatically every second or two until the cause is gone, and the queue keeps everything for it',
  unreachable: (name: string) =>
    `nothing is known of it now; the queue keeps everything for it, and if it will not come back, \`millrace unregister ${name} --yes\` releases that`,
};

/** What a subscriber's state means. */
export function explainSubscriber(state: keyof typeof subscriberStates, name: string): string {
  return subscriberStates[state](name);
}

const tableStates: Readonly<Record<TableState, (table: string) => string>> = {
  registered: () => 'it waits for the first message of its copy; its changes are kept meanwhile',
  copying: () => 'its rows are on their way; its changes are kept and applied afterwards',
  'catching-up': () => 'its rows are in; the changes kept meanwhile are applied with the next batch',
  ok: () => 'every batch brings its changes',
  held: (table) =>
    `its copy could not be loaded and it takes no changes; correct the cause, then \`millrace resync ${table} --yes\` copies it again`,
};

/** What the state of a table at a subscriber means. `table` as in SQL. */
export function explainTable(state: string, table: string): string {
  return Object.hasOwn(tableStates, state) ? tableStates[state as TableState](table) : '';
}

/** What it means that columns were altered at the provider; null when none was. `table` as in SQL. */
export function explainAltered(
  altered: readonly { readonly name: string; readonly type: string; readonly former: string }[],
  table: string,
): string | null {
  if (altered.length === 0) return null;
  const columns = altered.map(({ name, type, former }) => `"${name}" was ${former} and is ${type}`).join(', ');
  return `altered at the provider: ${columns}; an ALTER TABLE that changes values there makes no event, so rows from before are as the subscriber's own ALTER TABLE left them; \`millrace compare ${table}\` shows them, and \`millrace resync ${table} --yes\` corrects them`;
}

/** The fault of a subscriber whose position is older than what the queue keeps. */
export function positionLost(name: string, tick: number, keptFrom: number): string {
  return `its position, tick ${tick}, is older than all that the queue keeps for it (from tick ${keptFrom}), so the changes between cannot be sent any more; ${startOver(name)}`;
}

/** The fault of a subscriber for which the queue keeps nothing, or less than it lacks: somebody changed its consumer. */
export function recordLost(name: string, { tick, keptFrom }: { tick: number; keptFrom: number | null }): string {
  const what =
    keptFrom === null
      ? `its consumer millrace.${name} in the queue is gone (somebody unregistered it, or deleted its row)`
      : `its consumer millrace.${name} in the queue was moved forward to tick ${keptFrom}`;
  return `${what}: the queue keeps nothing for it from tick ${tick} on; \`millrace doctor\` says whether that is still there and how to keep it, else ${startOver(name)}`;
}

/** The fault of a subscriber that has applied a tick of another history. */
export function otherHistory(name: string, tick: number): string {
  return `it has applied tick ${tick}, which this provider never made: the provider went back in time, or this database followed another one; ${startOver(name)}`;
}

/** How a subscriber starts over. */
export function startOver(name: string): string {
  return `run \`millrace unregister ${name} --yes\`, then \`millrace install\`, then \`millrace add\` for its tables: their rows are copied again`;
}

/** The fault of a subscriber that the configuration names and the provider does not know. */
export const notRegistered = 'it is not registered at the provider: run `millrace install`';

/** What to do about a subscriber that only the provider knows. */
export function notConfigured(name: string): string {
  return `it is registered at the provider and not in the configuration: add it below \`subscribers:\`, or, if it will not come back, run \`millrace unregister ${name} --yes\`; until then the queue keeps everything for it`;
}
