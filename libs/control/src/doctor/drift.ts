// What may go wrong while all runs: a capture trigger switched off, a table altered, a key dropped. Looked at again and again.
import type { Config } from '@millrace/config';
import { gauge, logger } from '@millrace/telemetry';
import { examine } from './examine.ts';
import { type DoctorFinding, findingLine } from './report.ts';

const findings = gauge('millrace_admin_findings', 'Errors and warnings of the doctor that came while all ran');

/** A look asks about every table on all sides. */
const freshMs = 10_000;
/** Without anybody asking. The ticker looks after the triggers more often, and this must not be felt on an idle machine. */
const ownPaceMs = 60_000;

/** What has drifted, now. What cannot be reached is no part of it. Throws nothing that status would not tell as well. */
export async function driftOf(config: Config): Promise<DoctorFinding[]> {
  const report = await examine(config, { drift: true });
  return report.findings.filter(({ level, check }) => level !== 'ok' && check !== 'reachable' && check !== 'installed');
}

/** Keeps looking for as long as it runs; metrics and the log tell what is new. */
export class DriftWatch {
  readonly #config: Config;
  readonly #seen = new Map<string, { readonly check: string; readonly level: string }>();
  #told = new Set<string>();
  #last: { readonly at: number; readonly found: Promise<DoctorFinding[]> } | undefined;
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
    const now = performance.now();
    if (this.#last === undefined || now - this.#last.at > freshMs) {
      this.#last = { at: now, found: this.#look() };
    }
    return this.#last.found;
  }

  async #look(): Promise<DoctorFinding[]> {
    const found = await driftOf(this.#config).catch(() => []);
    this.#count(found);
    this.#tell(found);
    return found;
  }

  #count(found: readonly DoctorFinding[]): void {
    for (const { check, level } of found) this.#seen.set(`${check} ${level}`, { check, level });
    for (const { check, level } of this.#seen.values()) {
      findings.set(found.filter((one) => one.check === check && one.level === level).length, { check, level });
    }
  }

  #tell(found: readonly DoctorFinding[]): void {
    const lines = new Set(found.map(findingLine));
    for (const line of lines) if (!this.#told.has(line)) logger('doctor').warn(line);
    this.#told = lines;
  }
}
