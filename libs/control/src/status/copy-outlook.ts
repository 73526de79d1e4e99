// How far a copy is, and how long it may take.

/** What is known of a copy on its way. */
export interface CopyFacts {
  readonly rows: number;
  readonly bytes: number;
  /** What the provider's statistics say of the table; undefined or 0 rows: nothing. */
  readonly estimate: { readonly rows: number; readonly bytes: number } | undefined;
  /** Over the last seconds. */
  readonly rowsPerS: number | undefined;
}

/** The same as it is shown; null: not known. */
export interface CopyOutlook {
  readonly total_rows: number | null;
  readonly total_bytes: number | null;
  readonly rows_per_s: number | null;
  readonly eta_s: number | null;
}

/** Of a table whose copy is not on its way. */
export const noOutlook: CopyOutlook = { total_rows: null, total_bytes: null, rows_per_s: null, eta_s: null };

/** Statistics are guesses: there are at least the rows that have come already. */
export function copyOutlook({ rows, bytes, estimate, rowsPerS }: CopyFacts): CopyOutlook {
  const totalRows = estimate === undefined || estimate.rows === 0 ? null : Math.max(estimate.rows, rows);
  const left = totalRows === null ? null : totalRows - rows;
  return {
    total_rows: totalRows,
    total_bytes: totalBytes({ rows, bytes, totalRows, tableBytes: estimate?.bytes ?? 0 }),
    rows_per_s: rowsPerS ?? null,
    eta_s: left === null || rowsPerS === undefined || rowsPerS === 0 ? null : Math.ceil(left / rowsPerS),
  };
}

/** From the rows that have come; before there are any, the size of the table at the provider. */
interface KnownSizes {
  readonly rows: number;
  readonly bytes: number;
  readonly totalRows: number | null;
  readonly tableBytes: number;
}

function totalBytes({ rows, bytes, totalRows, tableBytes }: KnownSizes): number | null {
  if (rows > 0 && totalRows !== null) return Math.round((bytes / rows) * totalRows);
  return tableBytes > 0 ? Math.max(tableBytes, bytes) : null;
}
