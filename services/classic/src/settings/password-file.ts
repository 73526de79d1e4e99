/** What a line of a password file is compared with. */
export interface Login {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  /** The host is the folder of the local server's socket, which password files call localhost. */
  readonly isDefaultSocket: boolean;
}

/** The password of the first line `host:port:database:user:password` that fits; `*` fits all, `\` stands before `:` and `\`. */
export function passwordFor(text: string, login: Login): string | undefined {
  const host = login.isDefaultSocket ? 'localhost' : login.host;
  const wanted = [host, login.port, login.database, login.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#') || line === '') continue;
    const fields = [...line.matchAll(/((?:[^:\\]|\\.)*)(?::|$)/g)].map((match) => match[1] ?? '');
    const password = restAfter(line, 4);
    if (password === undefined) continue;
    if (wanted.every((value, at) => fields[at] === '*' || plain(fields[at] ?? '') === value)) return plain(password);
  }
  return undefined;
}

/** What follows the first `count` fields; a password may hold colons. */
function restAfter(line: string, count: number): string | undefined {
  const match = new RegExp(`^(?:(?:[^:\\\\]|\\\\.)*:){${count}}(.*)$`).exec(line);
  return match?.[1] === '' ? undefined : match?.[1];
}

function plain(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
