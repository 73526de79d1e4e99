import { codes, MillraceError } from '@millrace/errors';

/** Values by key, keys in lower case, not yet interpolated. */
export type IniSection = ReadonlyMap<string, string>;

const deepest = 10;

/**
 * Reads an INI file as Python's ConfigParser did for skytools: `[section]`, `key = value` or `key: value`, comments after
 * `#` or `;` at the beginning of a line and after ` ;` behind a value, lines that begin with space continue the value before. Gives
 * the named section over `[DEFAULT]`; undefined when there is none. Throws CONFIG naming file and line, never quoting the text,
 * which may hold a password.
 */
export function readIni(text: string, section: string, file: string): IniSection | undefined {
  const sections = parseSections(text, file);
  const found = sections.get(section);
  if (found === undefined) return undefined;
  const values = new Map([...(sections.get('DEFAULT') ?? []), ...found]);
  return new Map([...values.keys()].map((key) => [key, interpolate(values, key, file)]));
}

function parseSections(text: string, file: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let values: Map<string, string> | undefined;
  let last: string | undefined;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*$/.test(raw) || /^\s*[#;]/.test(raw)) continue;
    if (/^\s/.test(raw) && values !== undefined && last !== undefined) {
      values.set(last, `${values.get(last)}\n${withoutComment(raw)}`);
      continue;
    }
    const header = /^\[([^\]]+)\]\s*(?:[#;].*)?$/.exec(raw);
    if (header !== null) {
      const name = header[1] ?? '';
      values = sections.get(name) ?? new Map();
      sections.set(name, values);
      last = undefined;
      continue;
    }
    const pair = /^([^:=\s][^:=]*?)\s*[:=](.*)$/.exec(raw);
    if (pair === null) throw wrong(file, index, 'is neither a [section] nor `key = value`');
    if (values === undefined) throw wrong(file, index, 'stands before the first [section]');
    last = (pair[1] ?? '').toLowerCase();
    values.set(last, withoutComment(pair[2] ?? ''));
  }
  return sections;
}

function withoutComment(text: string): string {
  return text.replace(/\s;.*$/, '').trim();
}

function interpolate(values: IniSection, key: string, file: string, depth = 0): string {
  if (depth > deepest) throw new MillraceError(codes.CONFIG, `${file}: the value of ${key} refers to itself`);
  return (values.get(key) ?? '').replace(/%(?:%|\(([^)]*)\)s)?/g, (all, name?: string) => {
    if (all === '%%') return '%';
    // A lone percent sign is what people write in passwords.
    if (name === undefined) return all;
    const other = name.toLowerCase();
    // It may as well be a part of a password.
    const shown = /pass/i.test(`${key} ${values.get(key)}`) ? 'another key by %(…)s' : `%(${name})s`;
    if (!values.has(other))
      throw new MillraceError(codes.CONFIG, `${file}: ${key} refers to ${shown}, which the file does not set`);
    return interpolate(values, other, file, depth + 1);
  });
}

function wrong(file: string, index: number, what: string): MillraceError {
  return new MillraceError(codes.CONFIG, `${file}, line ${index + 1} ${what}`);
}
