// What `up` does with the doctor: it starts whatever it finds, unless nothing can come of it.
import type { Config } from '@millrace/config';
import { examine, findingLine } from '@millrace/control/doctor';
import { codes, MillraceError } from '@millrace/errors';

/** No repair while all runs can make these right. */
const hopeless: ReadonlySet<string> = new Set(['server-version', 'same-database']);

/** Throws NOT_REPLICABLE, with a line for each, when the services could never work together as they are configured. */
export async function refuseHopeless(config: Config): Promise<void> {
  const { findings } = await examine(config, { only: hopeless });
  const lost = findings.filter(({ level, check }) => level === 'error' && hopeless.has(check));
  if (lost.length > 0) throw new MillraceError(codes.NOT_REPLICABLE, lost.map(findingLine).join('\n'));
}

/** Says what the doctor finds; what cannot be reached is told by those who need it. Never throws. */
export async function tellFindings(config: Config, say: (line: string) => void): Promise<void> {
  const report = await examine(config).catch(() => undefined);
  for (const one of report?.findings ?? []) {
    if (one.level !== 'ok' && one.check !== 'reachable') say(`doctor: ${findingLine(one)}`);
  }
}
