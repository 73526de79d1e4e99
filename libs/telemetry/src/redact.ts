// Takes secrets out of text that is about to be shown to a person or a log.
// Who calls: the logger on every line, admin on every answer, libs/config on every message that names a URL.
// Must hold: time grows with the length only, whatever the text; parts of it may come from anybody.

/** The mark that stands where a secret was. */
const mark = '***';

/** A URL ends there; a password may itself hold an `@`, `:` or `/`. */
const delimiters = /([\s"'\\]+)/;
/** NATS takes a lone user part as a token, which is a secret. */
const natsToken = /\b((?:nats|tls|ws|wss):\/\/)[^:/@]+@/gi;
/** The value ends at a separator, or is in single quotes as in a connection string of libpq. */
const namedSecret = /\b((?:ssl)?password|passphrase|token|nkey|creds)(=)(?:'(?:[^'"\\]|\\[\s\S])*'|[^\s&"'\\;,)]+)/gi;

/**
 * Returns `text` with the password of every URL (`scheme://user:***@host`), every NATS token and every
 * `password=…` pair replaced by `***`. Never throws; text without secrets comes back unchanged.
 */
export function redactText(text: string): string {
  const withoutLogins = text.includes('://') ? text.split(delimiters).map(withoutLogin).join('') : text;
  return withoutLogins.includes('=') ? withoutLogins.replace(namedSecret, `$1$2${mark}`) : withoutLogins;
}

/** Returns a connection URL fit for people: same host, port, user and database, no password or token. */
export function redactUrl(url: string): string {
  return redactText(url);
}

/** One word: from the first `://USER:` up to the last `@` after it stands a password. */
function withoutLogin(word: string): string {
  const end = word.lastIndexOf('@');
  if (end < 0) return word;
  const colon = endOfUser(word, end);
  const plain = colon < 0 ? word : `${word.slice(0, colon)}:${mark}${word.slice(end)}`;
  return plain.replace(natsToken, `$1${mark}@`);
}

/** Where the `:` after the user of the first URL with a password stands; -1: there is none before `end`. */
function endOfUser(word: string, end: number): number {
  for (let at = word.indexOf('://'); at >= 0 && at < end; at = word.indexOf('://', at + 3)) {
    let stop = at + 3;
    while (stop < end && !':/@'.includes(word[stop] ?? '')) stop += 1;
    if (stop < end && word[stop] === ':') return stop;
  }
  return -1;
}
