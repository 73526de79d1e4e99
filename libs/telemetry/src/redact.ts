// Takes secrets out of text that is about to be shown to a person or a log.
// Who calls: the logger on every line, libs/config on every message that names a URL.

/** The mark that stands where a secret was. */
const mark = '***';

// Greedy up to the last `@` before white space or a quote: a password may itself hold an `@`.
const userAndPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'\\]*):[^\s"'\\]*@/gi;
// NATS takes a lone user part as a token, which is a secret.
const natsToken = /\b((?:nats|tls|ws|wss):\/\/)[^\s:/@"'\\]+@/gi;
const namedSecret = /\b((?:ssl)?password|passphrase|token|nkey|creds)(=)[^\s&"'\\;,)]+/gi;

/**
 * Returns `text` with the password of every URL (`scheme://user:***@host`), every NATS token and every
 * `password=…` pair replaced by `***`. Never throws; text without secrets comes back unchanged.
 */
export function redactText(text: string): string {
  if (!text.includes('://') && !text.includes('=')) return text;
  return text
    .replace(userAndPassword, `$1:${mark}@`)
    .replace(natsToken, (whole, scheme: string) => (whole.includes(`:${mark}@`) ? whole : `${scheme}${mark}@`))
    .replace(namedSecret, `$1$2${mark}`);
}

/** Returns a connection URL fit for people: same host, port, user and database, no password or token. */
export function redactUrl(url: string): string {
  return redactText(url);
}
