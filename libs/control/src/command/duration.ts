import { codes, MillraceError } from '@millrace/errors';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const maxMs = 7 * 24 * 3_600_000;

/** Milliseconds of `500ms`, `60s`, `2m`, `1.5h`; a bare number means seconds. Throws USAGE for anything else. */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * (units[match[2] ?? 's'] ?? Number.NaN));
  if (!Number.isFinite(ms) || ms > maxMs) {
    throw new MillraceError(codes.USAGE, `${option}: ${JSON.stringify(text)} is not a duration`, {
      advice: 'write 500ms, 60s or 2m, up to 168h',
    });
  }
  return ms;
}

/** A duration for people: `85 ms`, `4.2 s`, `3 min`, `2 h`. */
export function showDuration(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
