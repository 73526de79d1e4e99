import { codes, MillraceError } from '@millrace/errors';

/** What a bus URL says. Secrets stay in here: only `label` may be shown. */
export interface BusAddress {
  readonly servers: string[];
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  /** Files named by the query: `creds` (NATS credentials), `ca`, `cert`, `key` (PEM). */
  readonly files: { readonly creds?: string; readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Hosts and ports without secrets. */
  readonly label: string;
}

const protocols = new Set(['nats:', 'tls:']);

/**
 * Reads `nats://[user:pass@|token@]host[:port][,nats://…][?creds=FILE&ca=FILE&cert=FILE&key=FILE]`.
 * `tls://` demands TLS. Throws CONFIG; the message never repeats the URL, which may hold a password.
 */
export function parseBusUrl(text: string): BusAddress {
  const urls = text.split(',').map((part) => parseOne(part.trim()));
  const [first] = urls;
  if (first === undefined) throw badUrl('is empty');
  const user = first.username === '' ? undefined : decodeURIComponent(first.username);
  const pass = first.password === '' ? undefined : decodeURIComponent(first.password);
  const file = (name: string) => first.searchParams.get(name) ?? undefined;
  const files = { creds: file('creds'), ca: file('ca'), cert: file('cert'), key: file('key') };
  const servers = urls.map((url) => `${url.hostname}:${url.port === '' ? '4222' : url.port}`);
  return {
    servers,
    tls: urls.some((url) => url.protocol === 'tls:'),
    user: pass === undefined ? undefined : user,
    pass,
    token: pass === undefined ? user : undefined,
    files: Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined)),
    label: servers.join(','),
  };
}

function parseOne(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw badUrl('is not a URL');
  }
  if (!protocols.has(url.protocol)) throw badUrl('does not begin with nats:// or tls://');
  if (url.hostname === '') throw badUrl('names no host');
  return url;
}

function badUrl(reason: string): MillraceError {
  return new MillraceError(codes.CONFIG, `the bus URL ${reason}`, { advice: 'write nats://host:4222' });
}
