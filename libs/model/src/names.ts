import { codes, MillraceError } from '@millrace/errors';

/** A table or sequence as the catalog knows it: never folded, never quoted. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** A key for maps. Joining with a dot would make `a`.`b.c` and `a.b`.`c` one table. */
export function tableKey(table: TableName): string {
  return JSON.stringify([table.schema, table.name]);
}

export function sameTable(a: TableName, b: TableName): boolean {
  return a.schema === b.schema && a.name === b.name;
}

/** A name for people, quoted as in SQL only where SQL would need it. */
export function tableLabel(table: TableName): string {
  return `${labelPart(table.schema)}.${labelPart(table.name)}`;
}

function labelPart(part: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`;
}

/**
 * Reads a name as SQL does: unquoted parts are folded to lower case, quoted ones kept, `public` when bare.
 * Throws USAGE for what is not one name or two joined by a dot.
 */
export function parseTableName(text: string): TableName {
  const parts: string[] = [];
  let at = 0;
  while (true) {
    const quoted = /"((?:[^"]|"")*)"/y;
    const bare = /[\p{L}_\u0080-\u{10ffff}][\p{L}\p{N}_$\u0080-\u{10ffff}]*/uy;
    quoted.lastIndex = at;
    bare.lastIndex = at;
    const q = quoted.exec(text);
    const b = q === null ? bare.exec(text) : null;
    const part = q !== null ? (q[1] ?? '').replaceAll('""', '"') : b?.[0].replace(/[A-Z]/g, (c) => c.toLowerCase());
    if (part === undefined || part === '') throw badName(text);
    parts.push(part);
    at += (q ?? b)?.[0].length ?? 0;
    if (at === text.length) break;
    if (text[at] !== '.') throw badName(text);
    at += 1;
  }
  const [first, second, ...rest] = parts;
  if (first === undefined || rest.length > 0) throw badName(text);
  return second === undefined ? { schema: 'public', name: first } : { schema: first, name: second };
}

function badName(text: string): MillraceError {
  return new MillraceError(codes.USAGE, `${JSON.stringify(text)} is not a table or sequence name`, {
    advice: 'write name, schema.name or, with capitals or odd characters, "schema"."Name"',
  });
}

/** A queue's or subscriber's name as one token of a bus subject, stream or bucket name; different names never meet. */
export function busToken(name: string): string {
  let token = '';
  for (const byte of Buffer.from(name, 'utf8')) {
    const char = String.fromCharCode(byte);
    token += /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}
