import type { Config } from '@millrace/config';
import { type DoctorFinding, driftOf, findingLine } from '@millrace/control/doctor';
import { withinBounds } from '@millrace/control/sides';
import { gauge, logger } from '@millrace/telemetry';
import { SharedResult } from './shared-result.ts';

const findings = gauge('millrace_admin_findings', 'Errors and warnings of the doctor that came up during operation');

/** An inspection queries every table on all sides. */
const freshMs = 10_000;
const maxInspectMs = 120_000;
/** Without anybody asking. The ticker checks the triggers more often, and this must not be felt on an idle machine. */
const ownPaceMs = 60_000;

/** Inspects again and again for as long as it runs; metrics and the log report what is new. */
export class DriftWatch {
  readonly #config: Config;
  readonly #seen = new Map<string, { readonly check: string; readonly level: string }>();
  #reported = new Set<string>();
  readonly #findings = new SharedResult(() => this.#inspect());
  #timer: NodeJS.Timeout | undefined;

  constructor(config: Config) {
    this.#config = config;
  }

  start(): void {
    this.#timer = setInterval(() => void this.current(), ownPaceMs);
    this.#timer.unref();
    void this.current();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** At most ten seconds old. Never throws. */
  current(): Promise<DoctorFinding[]> {
    return this.#findings.get(freshMs).then(({ value }) => value);
  }

  async #inspect(): Promise<DoctorFinding[]> {
    const found = await withinBounds({ maxMs: maxInspectMs }, () => driftOf(this.#config)).catch(() => []);
    this.#count(found);
    this.#report(found);
    return found;
  }

  #count(found: readonly DoctorFinding[]): void {
    for (const { check, level } of found) this.#seen.set(`${check} ${level}`, { check, level });
    for (const { check, level } of this.#seen.values()) {
      findings.set(found.filter((one) => one.check === check && one.level === level).length, { check, level });
    }
  }

  #report(found: readonly DoctorFinding[]): void {
    const lines = new Set(found.map(findingLine));
    for (const line of lines) if (!this.#reported.has(line)) logger('doctor').warn(line);
    this.#reported = lines;
  }
}
