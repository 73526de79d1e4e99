import { isUtf8 } from 'node:buffer';
import { codes, MillraceError } from '@millrace/errors';

/** A record's fields as they are written: empty for NULL, with their quotes when quoted. */
export type RawRecord = readonly string[];

const quote = 0x22;
const comma = 0x2c;
const newline = 0x0a;

/**
 * Cuts CSV bytes into records of raw fields. For a few lines only: large sections go to the server as they are.
 * Undefined when the bytes are not UTF-8, which a string cannot carry unharmed. Throws BAD_MESSAGE as soon as there are more
 * records than announced.
 */
export function parseRecords(bytes: Buffer, announced: number): RawRecord[] | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const records: RawRecord[] = [];
  let fields: string[] = [];
  let start = 0;
  let inQuotes = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) inQuotes = !inQuotes;
    else if (!inQuotes && (char === comma || char === newline)) {
      fields.push(text.slice(start, at));
      start = at + 1;
      if (char === newline) {
        if (records.length === announced) throw otherNumber();
        records.push(fields);
        fields = [];
      }
    }
  }
  if (inQuotes || start !== text.length) throw new MillraceError(codes.BAD_MESSAGE, 'a section ends inside a record');
  if (records.length !== announced) throw otherNumber();
  return records;
}

function otherNumber(): MillraceError {
  return new MillraceError(codes.BAD_MESSAGE, 'a section has another number of records than announced');
}

/** One composite value of the given raw fields, as the server reads it: `(1,"a ""b""",)`. */
export function compositeOf(fields: RawRecord): string {
  return `(${fields.join(',').replaceAll('\\', '\\\\')})`;
}

/** A text array literal of composite values, for `$1::some_type[]`. */
export function arrayOf(composites: readonly string[]): string {
  let text = '{';
  for (const [at, value] of composites.entries()) {
    text += `${at === 0 ? '' : ','}"${value.replace(/[\\"]/g, '\\$&')}"`;
  }
  return `${text}}`;
}
