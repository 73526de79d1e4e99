import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Access } from '../access/gate.ts';

/** One request, checked. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The parts of the path that stand in braces. */
  readonly params: Readonly<Record<string, string>>;
  /** Query or body, as the route's `input` gives it. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The client, for the audit. */
  readonly actor: string;
}

export interface Answer {
  readonly status: number;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent unchanged, instead of a body. */
  readonly text?: { readonly type: string; readonly content: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an answer with some status looks like. `type`: default application/json. */
export interface AnswerForm {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly type?: string;
}

/** One path and method; the server and the OpenAPI document derive from it. */
export interface Route {
  /** Unique; the operation's id. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** `/api/v1/jobs/{id}` */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** Of the query (GET) or the JSON body (POST). */
  readonly input?: z.ZodObject;
  /** By status; errors are `{"error":{"code","message"}}` and need not be named. */
  readonly answers: Readonly<Record<number, AnswerForm>>;
  /** undefined: the route has answered. Throws MillraceError. */
  readonly answer: (call: Call) => Promise<Answer | undefined>;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** The routes of a path, by any method. */
export function matchPath(routes: readonly Route[], path: string): Match[] {
  const parts = path.split('/');
  return routes.flatMap((route) => {
    const params = paramsOf(route.path.split('/'), parts);
    return params === undefined ? [] : [{ route, params }];
  });
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const value = parts[at] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) {
      if (part !== value) return undefined;
    } else {
      const text = decoded(value);
      if (text === undefined || text === '') return undefined;
      params[name] = text;
    }
  }
  return params;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
