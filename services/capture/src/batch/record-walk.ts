// Where the records of a section end. A newline inside quotes is data.

const newline = 0x0a;
const quote = 0x22;

/** Where a walk over records is. */
export interface RecordWalk {
  readonly lines: number;
  readonly quoted: boolean;
  /** Offset behind the last record that ended; -1 when none did. */
  readonly lastEnd: number;
}

/** Counts the records that end in `bytes[from, to)`. A newline inside quotes is data. */
export function walkRecords(bytes: Uint8Array, range: { from: number; to: number; quoted: boolean }): RecordWalk {
  let { quoted } = range;
  let lines = 0;
  let lastEnd = -1;
  for (let i = range.from; i < range.to; i += 1) {
    const c = bytes[i];
    if (c === quote) quoted = !quoted;
    else if (c === newline && !quoted) {
      lines += 1;
      lastEnd = i + 1;
    }
  }
  return { lines, quoted, lastEnd };
}
