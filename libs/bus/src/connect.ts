import { readFileSync } from 'node:fs';
import { codes, MillraceError } from '@millrace/errors';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { busError } from './bus-errors.ts';
import { type BusAddress, parseBusUrl } from './bus-url.ts';

/** A connection that reconnects whenever it is lost, until it is closed. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly streams: JetStreamManager;
  /** Hosts and ports, no secrets. */
  readonly label: string;
  /** Largest message the present server takes, in bytes. It may shrink with a reconnect. */
  maxPayload(): number;
  isConnected(): boolean;
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
}

const requestTimeoutMs = 5000;
/** A server that hangs is noticed within three of these. */
const pingIntervalMs = 5000;
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
    throw busError(error, `connecting to ${address.label}`);
  }
  const timeout = options.timeoutMs ?? requestTimeoutMs;
  const streams = await jetstreamManager(connection, { checkAPI: false, timeout });
  return makeBus(connection, { streams, label: address.label, connected: delays.reset });
}

function connectOptions(address: BusAddress, options: BusOptions, nextDelay: () => number): NodeConnectionOptions {
  const read = (file: string) => readSecret(file);
  const { creds, ca, cert, key } = address.files;
  return {
    servers: address.servers,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: nextDelay,
    ignoreAuthErrorAbort: true,
    timeout: options.timeoutMs ?? requestTimeoutMs,
    pingInterval: pingIntervalMs,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(address.user === undefined ? {} : { user: address.user, pass: address.pass ?? '' }),
    ...(address.token === undefined ? {} : { token: address.token }),
    ...(creds === undefined ? {} : { authenticator: credsAuthenticator(read(creds)) }),
    ...(address.tls || ca !== undefined || cert !== undefined
      ? {
          tls: {
            ...(ca === undefined ? {} : { caFile: ca }),
            ...(cert === undefined ? {} : { certFile: cert }),
            ...(key === undefined ? {} : { keyFile: key }),
          },
        }
      : {}),
  };
}

function readSecret(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new MillraceError(codes.CONFIG, 'the file named by the bus URL cannot be read', { cause: error });
  }
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

interface BusParts {
  readonly streams: JetStreamManager;
  readonly label: string;
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
  return {
    connection,
    streams: parts.streams,
    label: parts.label,
    maxPayload: () => connection.info?.max_payload ?? 64 * 1024,
    isConnected: () => connected && !connection.isClosed(),
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
