// The HTTP endpoint every service has: is it alive, does it do its work, what has it counted.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen, stopListening } from './listen.ts';
import { redactText } from './redact.ts';

/** A service's report of its state. `reasons` are sentences for people, given when `ok` is false. */
export interface HealthReport {
  readonly ok: boolean;
  readonly reasons: string[];
  /** `standby` is healthy: another instance does the work. */
  readonly role?: 'leader' | 'standby' | 'none';
}

export interface HealthOptions {
  /** Address to listen on; 127.0.0.1 unless people outside the host should see it. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly live: () => HealthReport | Promise<HealthReport>;
  readonly ready: () => HealthReport | Promise<HealthReport>;
  /** Ready, and not further behind than so many ms. Left out: this service has no lag. */
  readonly fresh?: ((maxLagMs: number) => HealthReport) | undefined;
  /** From startTelemetry; left out, /metrics answers 404. */
  readonly metrics?: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface HealthServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Serves GET /live, /ready and /ready?max_lag_ms=N (200 or 503, JSON `{ok, role?, reasons}`) and /metrics (Prometheus text).
 * Throws the system's error (EADDRINUSE, …) when it cannot listen. It does not keep a process alive.
 */
export async function startHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch(() =>
      send(response, 503, { ok: false, reasons: ['the check itself failed'] }),
    );
  });
  server.unref();
  const { host, port, url } = await listen(server, options);
  return { host, port, url, stop: () => stopListening(server) };
}

async function answer(options: HealthOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { error: 'only GET' });
  const [path, query = ''] = (request.url ?? '/').split('?', 2);
  if (path === '/live') return sendReport(response, await options.live());
  const lag = new URLSearchParams(query).get('max_lag_ms');
  if (path === '/ready' && lag !== null) {
    if (options.fresh === undefined) return send(response, 400, { error: 'this service has no lag' });
    if (!/^\d{1,9}$/.test(lag)) return send(response, 400, { error: 'max_lag_ms is not a whole number' });
    return sendReport(response, options.fresh(Number(lag)));
  }
  if (path === '/ready') return sendReport(response, await options.ready());
  if (path === '/metrics' && options.metrics !== undefined) return options.metrics(request, response);
  send(response, 404, { error: 'there is /live, /ready and /metrics' });
}

function sendReport(response: ServerResponse, report: HealthReport): void {
  send(response, report.ok ? 200 : 503, report);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${redactText(JSON.stringify(body))}\n`);
}
