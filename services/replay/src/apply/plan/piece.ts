// Pieces: the bytes of one section as one message carried them.
import type { TableName } from '@millrace/model';
import type { BatchHeader, Message, Section } from '@millrace/wire';

/** Which columns the records of a section have. */
export interface SectionShape {
  /** null: a column that is not applied (generated at the provider). */
  readonly columns: readonly (string | null)[];
  readonly key: readonly string[];
}

/** Bytes of one section as one message carried them. */
export interface Piece extends SectionShape {
  readonly form: Section['form'];
  /** Numbers and types of the columns at the provider; undefined: not reported. */
  readonly source?: string | undefined;
  /** Records that end in it. */
  readonly lines: number;
  /** Begins in the middle of a record of the piece before. */
  readonly cont: boolean;
  readonly body: Buffer;
}

/** The sections of a message with their bytes. */
export function* piecesOf(message: Message<BatchHeader>): Generator<{ table: TableName; piece: Piece }> {
  let at = 0;
  for (const section of message.header.sections) {
    const body = message.body.subarray(at, at + section.bytes);
    at += section.bytes;
    yield { table: section.table, piece: { ...section, body } };
  }
}

/** True when the section has key columns only: changes of rows that are gone. */
export function isKeyOnly({ columns, key }: SectionShape): boolean {
  return key.length > 0 && columns.length <= key.length && columns.every((name) => name !== null && key.includes(name));
}

/** Sections of the same shape have the same text. */
export function shapeText({ columns, key }: SectionShape): string {
  return JSON.stringify([columns, key]);
}

const newline = 0x0a;
const quote = 0x22;

/** True when the message ends with a whole record for certain. */
export function endsWithRecord({ header, body }: Message<BatchHeader>): boolean {
  const section = header.sections.at(-1);
  if (section === undefined || section.cont || body.at(-1) !== newline) return false;
  let isQuoted = false;
  for (let at = body.indexOf(quote, body.length - section.bytes); at >= 0; at = body.indexOf(quote, at + 1))
    isQuoted = !isQuoted;
  return !isQuoted;
}
