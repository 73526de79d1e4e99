import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { codes, MillraceError } from '@millrace/errors';
import { notReady, readyReport, type Service } from '@millrace/lifecycle';
import { type HealthReport, type Listening, listen, stopListening } from '@millrace/telemetry';
import { checkAccess, type GateRules } from '../access/gate.ts';
import { faultAnswer, sendAnswer } from './answer.ts';
import { checkInput, queryInput, readBody } from './input.ts';
import { type Answer, type Match, matchPath, type Route } from './route.ts';

export interface HttpApiOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly routes: readonly Route[];
  /** The rules by the address that is listened on. */
  readonly gate: (address: string) => GateRules;
  readonly onListening: (at: Listening) => void;
}

/** How long answers on their way may take at a stop. */
const answerMs = 500;

/** How long a client may take to send its request; a connection that is silent before is closed. */
const limits = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** Serves the routes. Every fault is `{"error":{"code","message"}}` with a status that says whose it is. */
export class HttpApi implements Service {
  readonly #options: HttpApiOptions;
  #server: Server | undefined;
  #rules: GateRules | undefined;

  constructor(options: HttpApiOptions) {
    this.#options = options;
  }

  /** Throws CONFIG when the address cannot be listened on. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const { host, port, onListening } = this.#options;
    const server = createServer(limits, (request, response) => {
      this.#answer(request, response)
        .catch(faultAnswer)
        .then((answer) => answer !== undefined && sendAnswer(response, answer))
        .catch(() => response.destroy());
    });
    this.#server = server;
    let listening: Listening;
    try {
      listening = await listen(server, { host, port });
    } catch (error) {
      this.#server = undefined;
      throw busyAddress(host, port, error);
    }
    this.#rules = this.#options.gate(listening.address);
    onListening(listening);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await stopListening(server, answerMs);
  }

  ready(): HealthReport {
    return this.#server?.listening === true ? readyReport : notReady('not listening');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const found = matchPath(this.#options.routes, path);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const match = found.find(({ route }) => route.method === method);
    if (match === undefined) return this.#notThere(found);
    const { route, params } = match;
    if (this.#rules === undefined) throw new MillraceError(codes.TOO_MANY, 'admin is starting');
    checkAccess(route.access, request.headers, this.#rules);
    const input = await inputOf(route, request, query);
    if (input === undefined) return wrongType;
    return route.answer({ request, response, params, input, actor: actorOf(request) });
  }

  #notThere(found: readonly Match[]): Answer {
    if (found.length > 0) {
      const allow = found.map(({ route }) => route.method).join(', ');
      const body = { error: { code: codes.USAGE, message: `only ${allow}` } };
      return { status: 405, body, headers: { allow } };
    }
    throw new MillraceError(codes.NOT_FOUND, 'there is no such path', { advice: 'see /openapi.json' });
  }
}

const wrongType: Answer = {
  status: 415,
  body: { error: { code: codes.USAGE, message: 'send JSON, with `Content-Type: application/json`' } },
};

/** undefined: the body is of a type that a page of another site could send unasked. */
async function inputOf(
  { method, input }: Route,
  request: IncomingMessage,
  query: string,
): Promise<Record<string, unknown> | undefined> {
  if (method === 'GET')
    return input === undefined ? {} : checkInput(input, queryInput(input, new URLSearchParams(query)));
  if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) return undefined;
  const body = await readBody(request);
  return input === undefined ? {} : checkInput(input, body);
}

/** The name is what the caller, or the proxy that knows who it is, says. */
function actorOf(request: IncomingMessage): string {
  const name = /^[\w.@+ -]{1,64}$/.exec(String(request.headers['x-millrace-user'] ?? ''))?.[0];
  return `http:${name === undefined ? '' : `${name}@`}${request.socket.remoteAddress ?? 'unknown'}`;
}

function busyAddress(host: string, port: number, cause: unknown): MillraceError {
  const reason = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is in use' : 'cannot be listened on';
  return new MillraceError(codes.CONFIG, `${host}:${port} ${reason}`, {
    advice: 'set another http.port, or 0 for any free one',
    cause,
  });
}
