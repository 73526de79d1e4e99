import { codes, MillraceError } from '@millrace/errors';

/** The parts of a libpq connection string by keyword: host, port, dbname, user, password, sslmode … */
export type Conninfo = ReadonlyMap<string, string>;

/**
 * Reads a libpq connection string: `keyword = value` pairs, values in single quotes where they hold spaces, `\` before a quote
 * or backslash; or a `postgresql://` URL. `what` names it in messages, which never repeat it. Throws CONFIG.
 */
export function parseConninfo(text: string, what: string): Conninfo {
  return /^postgres(ql)?:\/\//.test(text.trim()) ? fromUrl(text.trim(), what) : fromPairs(text, what);
}

function fromPairs(text: string, what: string): Conninfo {
  const found = new Map<string, string>();
  const pair =
    /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'(?=\s|$)|((?:[^\s'\\]|\\[\s\S])(?:[^\s\\]|\\[\s\S])*)?(?=\s|$))/y;
  let at = 0;
  while (at < text.trimEnd().length) {
    pair.lastIndex = at;
    const match = pair.exec(text);
    if (match === null) throw wrong(what, 'is not a list of keyword=value');
    found.set((match[1] ?? '').toLowerCase(), (match[2] ?? match[3] ?? '').replace(/\\([\s\S])/g, '$1'));
    at = pair.lastIndex;
  }
  return found;
}

function fromUrl(text: string, what: string): Conninfo {
  const match = /^[a-z]+:\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^/?:#,]*)(?::(\d*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(
    text,
  );
  if (match === null) throw wrong(what, 'is not a URL like postgresql://user@host:5432/db');
  const [user = '', password] = splitOnce(match[1] ?? '', ':');
  const host = (match[2] ?? '').replace(/^\[(.*)\]$/, '$1');
  const parts: [string, string | undefined][] = [
    ['user', user],
    ['password', password],
    ['host', host],
    ['port', match[3]],
    ['dbname', match[4]],
    ...(match[5] ?? '').split('&').map((one) => splitOnce(one, '=')),
  ];
  try {
    const given = parts.filter((part): part is [string, string] => part[0] !== '' && (part[1] ?? '') !== '');
    return new Map(given.map(([key, value]) => [key.toLowerCase(), decodeURIComponent(value)]));
  } catch {
    throw wrong(what, 'has a % that is not followed by two hexadecimal digits');
  }
}

function splitOnce(text: string, by: string): [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function wrong(what: string, why: string): MillraceError {
  return new MillraceError(codes.CONFIG, `${what} ${why}`, {
    advice: "write for example dbname=foo host=127.0.0.1 port=5432 user=me, values with spaces in 'quotes'",
  });
}
