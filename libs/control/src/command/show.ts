import { printableLine } from '@millrace/telemetry';

/** Rows of words as a table with aligned columns; the last column is not padded. A cell stays on its line, whatever it holds. */
export function alignColumns(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(printableLine));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A number with thousands apart: 12,345. */
export function showCount(n: number | null): string {
  return n === null ? '-' : n.toLocaleString('en-US');
}

/** A size for people: `640 kB`, `12 MB`. */
export function showBytes(n: number): string {
  if (n < 10_000) return `${n} B`;
  if (n < 10_000_000) return `${Math.round(n / 1_000)} kB`;
  return n < 10_000_000_000 ? `${Math.round(n / 1_000_000)} MB` : `${(n / 1_000_000_000).toFixed(1)} GB`;
}
