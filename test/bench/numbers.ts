/** Median of a sample; NaN of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Nearest-rank percentile, p from 0 to 100. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(0, Math.ceil((p / 100) * sorted.length) - 1);
  return sorted[rank] ?? Number.NaN;
}

export function seconds(from: bigint): number {
  return Number(process.hrtime.bigint() - from) / 1e9;
}

export const now = (): bigint => process.hrtime.bigint();
