import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codes, MillraceError } from '@millrace/errors';
import { notReady, READY, type Service } from '@millrace/lifecycle';
import { type HealthReport, redactText } from '@millrace/telemetry';
import type { Status } from './status-document.ts';

export interface HttpApiOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly status: () => Promise<Status>;
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onListening: (address: { host: string; port: number; url: string }) => void;
}

/** What the page may do: show itself and ask for the status, nothing else. */
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

/**
 * Serves GET / (a page), /status (the document of `status --json`; 200, or 503 when something is stopped), /live,
 * /ready and /metrics. It changes nothing: wishes are made on the command line.
 */
export class HttpApi implements Service {
  readonly #options: HttpApiOptions;
  #server: Server | undefined;
  #page: Promise<string> | undefined;

  constructor(options: HttpApiOptions) {
    this.#options = options;
  }

  /** Throws CONFIG when the address cannot be listened on. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const { host, port, onListening } = this.#options;
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() =>
        send(response, 500, { error: { code: codes.INTERNAL, message: 'the request failed' } }),
      );
    });
    this.#server = server;
    try {
      await listen(server, host, port);
    } catch (error) {
      this.#server = undefined;
      throw busyAddress(host, port, error);
    }
    const address = server.address() as AddressInfo;
    const shown = host.includes(':') ? `[${host}]` : host;
    onListening({ host, port: address.port, url: `http://${shown}:${address.port}` });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  ready(): HealthReport {
    return this.#server?.listening === true ? READY : notReady('not listening');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return send(response, 405, { error: { code: codes.USAGE, message: 'only GET' } });
    }
    switch ((request.url ?? '/').split('?', 1)[0]) {
      case '/':
        return this.#sendPage(response);
      case '/status': {
        const status = await this.#options.status();
        return send(response, status.ok ? 200 : 503, status);
      }
      case '/live':
        return send(response, 200, READY);
      case '/ready':
        return send(response, this.ready().ok ? 200 : 503, this.ready());
      case '/metrics':
        await this.#options.status();
        return this.#options.metrics(request, response);
      default:
        return send(response, 404, {
          error: { code: codes.NOT_FOUND, message: 'there is /, /status, /live, /ready and /metrics' },
        });
    }
  }

  async #sendPage(response: ServerResponse): Promise<void> {
    this.#page ??= readFile(new URL('./page.html', import.meta.url), 'utf8');
    const text = await this.#page;
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentPolicy,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    response.end(text);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${redactText(JSON.stringify(body))}\n`);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function busyAddress(host: string, port: number, cause: unknown): MillraceError {
  const reason = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is in use' : 'cannot be listened on';
  return new MillraceError(codes.CONFIG, `${host}:${port} ${reason}`, {
    advice: 'set another http.port, or 0 for any free one',
    cause,
  });
}
