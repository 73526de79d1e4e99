import { codes, MillraceError } from '@millrace/errors';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, errors, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { busError } from './bus-errors.ts';
import { type BusAddress, parseBusUrl } from './bus-url.ts';
import { secureOptions } from './secure-options.ts';

/** A connection that reconnects whenever it is lost, until it is closed. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly streams: JetStreamManager;
  /** Hosts and ports, no secrets. */
  readonly label: string;
  /** Where answers to this connection arrive: all its inboxes begin so. */
  readonly inboxPrefix: string;
  /** The JetStream domain of our streams, when it is not that of the server. */
  readonly domain: string | undefined;
  /** Servers of a cluster that each are to hold our streams; undefined: left as they are. */
  readonly replicas: number | undefined;
  /** Largest message the present server takes, in bytes. It may shrink with a reconnect. */
  maxPayload(): number;
  isConnected(): boolean;
  /** True when what stores our streams may be another server than the one we are connected to, and fail alone. */
  isClustered(): boolean;
  /** Why we are not connected, or what the server last refused; undefined while all is well. */
  trouble(): MillraceError | undefined;
  /** Calls back at every loss and return of the connection. Returns the way to stop that. */
  onChange(listener: (connected: boolean) => void): () => void;
  /** Drops everything immediately; safe to call twice. */
  close(): Promise<void>;
}

export interface BusOptions {
  /** Shown in the server's connection list. */
  readonly name: string;
  /** Bound of one request, ms. */
  readonly timeoutMs?: number;
  /** What all its inboxes begin with, so that nobody else needs the permission to read them. Default `_INBOX`. */
  readonly inboxPrefix?: string;
}

const requestTimeoutMs = 5000;
/** In a cluster a request that a lost leader got is not answered at all: it is made again soon. */
const clusterTimeoutMs = 2500;
/** A server that hangs is noticed within three of these. */
const pingIntervalMs = 5000;
/** The same where there is another server to go to. */
const clusterPingMs = 2000;
const firstDelayMs = 50;
const maxDelayMs = 2000;

/**
 * Connects. Once connected it reconnects for ever, whatever the reason of the loss, also refused credentials: a person
 * may be repairing them. Throws BUS_UNAVAILABLE or BUS_REFUSED when the first try fails, CONFIG for a bad URL.
 */
export async function connectBus(url: string, options: BusOptions): Promise<Bus> {
  const address = parseBusUrl(url);
  const delays = delayHandler();
  let connection: NatsConnection;
  try {
    connection = await connect(connectOptions(address, options, delays.next));
  } catch (error) {
    throw notConnected(error, address);
  }
  const isClustered = address.domain !== undefined || connection.info?.cluster !== undefined;
  const timeout = options.timeoutMs ?? (isClustered ? clusterTimeoutMs : requestTimeoutMs);
  const { domain, replicas, label } = address;
  const within = domain === undefined ? {} : { domain };
  const streams = await jetstreamManager(connection, { checkAPI: false, timeout, ...within });
  const inboxPrefix = options.inboxPrefix ?? '_INBOX';
  return makeBus(connection, { streams, label, domain, replicas, inboxPrefix, connected: delays.reset });
}

// A server that misses our certificate says so when TLS is up already, and the client library then waits in vain.
function notConnected(error: unknown, { label, tls, files }: BusAddress): MillraceError {
  const doing = `connecting to ${label}`;
  if (!(error instanceof errors.TimeoutError) || !tls || files.cert !== undefined) return busError(error, doing);
  return new MillraceError(codes.BUS_UNAVAILABLE, `the bus does not answer while ${doing}`, {
    cause: error,
    advice: 'if it demands a certificate of its clients, name ours: bus.tls.cert and bus.tls.key in the configuration',
  });
}

function connectOptions(address: BusAddress, options: BusOptions, nextDelay: () => number): NodeConnectionOptions {
  return {
    servers: address.servers,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: nextDelay,
    ignoreAuthErrorAbort: true,
    timeout: options.timeoutMs ?? requestTimeoutMs,
    pingInterval: address.servers.length > 1 ? clusterPingMs : pingIntervalMs,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    ...secureOptions(address),
  };
}

/** Growing delays with jitter, so that many clients do not come back in the same moment. */
function delayHandler(): { next: () => number; reset: () => void } {
  let delay = firstDelayMs;
  return {
    next: () => {
      const now = delay * (0.5 + Math.random() / 2);
      delay = Math.min(maxDelayMs, delay * 1.2);
      return now;
    },
    reset: () => {
      delay = firstDelayMs;
    },
  };
}

interface BusParts extends Pick<Bus, 'streams' | 'label' | 'inboxPrefix' | 'domain' | 'replicas'> {
  readonly connected: () => void;
}

function makeBus(connection: NatsConnection, parts: BusParts): Bus {
  const listeners = new Set<(connected: boolean) => void>();
  let connected = true;
  let trouble: MillraceError | undefined;
  const change = (now: boolean) => {
    if (connected === now) return;
    connected = now;
    if (now) {
      trouble = undefined;
      parts.connected();
    }
    for (const listener of listeners) listener(now);
  };
  const watch = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error') trouble = busError(status.error, `connected to ${parts.label}`);
      if (status.type === 'disconnect' || status.type === 'close') {
        trouble ??= new MillraceError(codes.BUS_UNAVAILABLE, `the connection to the bus at ${parts.label} is lost`);
        change(false);
      }
      if (status.type === 'reconnect') change(true);
    }
  };
  void watch();
  const { connected: _, ...about } = parts;
  return {
    connection,
    ...about,
    maxPayload: () => connection.info?.max_payload ?? 64 * 1024,
    isConnected: () => connected && !connection.isClosed(),
    isClustered: () => parts.domain !== undefined || connection.info?.cluster !== undefined,
    trouble: () => trouble,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      listeners.clear();
      if (!connection.isClosed()) await connection.close();
    },
  };
}
