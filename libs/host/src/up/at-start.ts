// What `up` does with the doctor: it starts whatever the doctor finds, unless a check is fatal.
import type { Config } from '@millrace/config';
import { examine, findingLine } from '@millrace/control/doctor';
import { codes, MillraceError } from '@millrace/errors';

/** No repair during operation can correct these. */
const fatalChecks: ReadonlySet<string> = new Set(['server-version', 'same-database']);

/** Throws NOT_REPLICABLE, with a line for each, when the services could never work together as they are configured. */
export async function refuseFatal(config: Config): Promise<void> {
  const { findings } = await examine(config, { only: fatalChecks });
  const fatal = findings.filter(({ level, check }) => level === 'error' && fatalChecks.has(check));
  if (fatal.length > 0) throw new MillraceError(codes.NOT_REPLICABLE, fatal.map(findingLine).join('\n'));
}

/** Reports what the doctor finds; what cannot be reached is reported by the services that need it. Never throws. */
export async function reportFindings(config: Config, say: (line: string) => void): Promise<void> {
  const report = await examine(config).catch(() => undefined);
  for (const one of report?.findings ?? []) {
    if (one.level !== 'ok' && one.check !== 'reachable') say(`doctor: ${findingLine(one)}`);
  }
}
