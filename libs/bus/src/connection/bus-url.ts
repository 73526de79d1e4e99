import { codes, MillraceError } from '@millrace/errors';

/** What a bus URL says. Secrets stay in here: only `label` may be shown. */
export interface BusAddress {
  readonly servers: string[];
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  /** Files named by the query: `creds` (NATS credentials or the seed of an nkey), `ca`, `cert`, `key` (PEM). */
  readonly files: { readonly creds?: string; readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** The JetStream domain in which our streams are; undefined: that of the server we connect to. */
  readonly domain: string | undefined;
  /** Servers of a cluster that each hold our streams; undefined: as they are, and one for a new stream. */
  readonly replicas: number | undefined;
  /** Hosts and ports without secrets. */
  readonly label: string;
}

const protocols = new Set(['nats:', 'tls:']);
const files = ['creds', 'ca', 'cert', 'key'] as const;

/**
 * Reads `nats://[user:pass@|token@]host[:port][,nats://…][?creds=FILE&ca=FILE&cert=FILE&key=FILE&domain=NAME&replicas=N]`.
 * `tls://` demands TLS. Throws CONFIG; the message never repeats the URL, which may hold a password.
 */
export function parseBusUrl(text: string): BusAddress {
  const urls = text.split(',').map((part) => parseOne(part.trim()));
  const [first] = urls;
  if (first === undefined) throw badUrl('is empty');
  const user = decoded(first.username);
  const pass = decoded(first.password);
  const query = (name: string) => urls.map((url) => url.searchParams.get(name)).find((value) => value !== null);
  const named = files.map((name) => [name, query(name)] as const).filter(([, value]) => value !== undefined);
  const servers = urls.map((url) => `${url.hostname}:${url.port === '' ? '4222' : url.port}`);
  return {
    servers,
    tls: urls.some((url) => url.protocol === 'tls:'),
    user: pass === undefined ? undefined : user,
    pass,
    token: pass === undefined ? user : undefined,
    files: Object.fromEntries(named),
    domain: domainOf(query('domain')),
    replicas: replicasOf(query('replicas')),
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

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    throw badUrl('has a % in user, password or token that is not followed by two hexadecimal digits');
  }
}

// It becomes a token of subjects.
function domainOf(text: string | null | undefined): string | undefined {
  if (text === undefined || text === null) return undefined;
  if (/^[\w-]{1,255}$/.test(text)) return text;
  throw badUrl('names a JetStream domain that is not of letters, digits, "_" and "-"');
}

function replicasOf(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  if (text === '1' || text === '3') return Number(text);
  throw badUrl('wants replicas that are neither 1 nor 3');
}

function badUrl(reason: string): MillraceError {
  return new MillraceError(codes.CONFIG, `the bus URL ${reason}`, { advice: 'write nats://host:4222' });
}
