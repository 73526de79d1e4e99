/** One line of the result: what was measured, the bars, and whether they hold. */
export interface Row {
  readonly row: string;
  readonly unit: string;
  readonly millrace: number;
  /** The same for native logical replication, or for what else the row compares with. */
  readonly other: number | null;
  /** What `must` and `aim` speak of: a ratio, or the figure itself. */
  readonly judged: number;
  readonly must: string;
  readonly aim: string;
  /** Empty where there is no bar. */
  readonly holds: 'aim' | 'must' | 'no' | '';
  /** Every round's figures. */
  readonly rounds: readonly unknown[];
}

/** Judges a figure: `atLeast` true means more is better. */
export function judge(
  what: Pick<Row, 'row' | 'unit' | 'millrace' | 'other' | 'rounds'>,
  judged: number,
  bars: { readonly must: number; readonly aim: number; readonly atLeast: boolean; readonly times?: boolean },
): Row {
  const meets = (bar: number): boolean => (bars.atLeast ? judged >= bar : judged <= bar);
  const text = (bar: number): string => `${bars.atLeast ? '≥' : '≤'} ${bar}${bars.times === false ? '' : ' ×'}`;
  const holds = meets(bars.aim) ? 'aim' : meets(bars.must) ? 'must' : 'no';
  return { ...what, judged, must: text(bars.must), aim: text(bars.aim), holds };
}

/** A figure beside that of another program, `times` as large; no bar says what it should be. */
export function beside(what: Pick<Row, 'row' | 'unit' | 'millrace' | 'other' | 'rounds'>, times: number): Row {
  return { ...what, judged: times, must: '', aim: '', holds: '' };
}

const figure = (value: number | null): string =>
  value === null
    ? ''
    : Math.abs(value) >= 100
      ? Math.round(value).toLocaleString('en')
      : String(Number(value.toPrecision(3)));

/** The table for the terminal. */
export function table(rows: readonly Row[]): string {
  const head = ['row', 'unit', 'millrace', 'other', 'judged', 'must', 'aim', 'holds'];
  const lines = rows.map((r) => [
    r.row,
    r.unit,
    figure(r.millrace),
    figure(r.other),
    figure(r.judged),
    r.must,
    r.aim,
    r.holds,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  return [head, ...lines].map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).join('\n');
}
