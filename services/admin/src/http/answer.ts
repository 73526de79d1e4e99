import type { ServerResponse } from 'node:http';
import { codes, type ErrorCode, toMillraceError } from '@millrace/errors';
import { redactText } from '@millrace/telemetry';
import { z } from 'zod';
import type { Answer } from './route.ts';

/** Of a message: it may name what the request named, as often as it did. */
const maxMessageLength = 20_000;

/** What every error looks like, on the command line with `--json` as well. */
export const faultDocument = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string().describe('what happened, and what to do') }),
});

/** Statuses of errors; a code that is not here is 500: a defect, or a program that is missing. */
const statusOf: Readonly<Partial<Record<ErrorCode, number>>> = {
  [codes.USAGE]: 400,
  [codes.UNAUTHORIZED]: 401,
  [codes.FORBIDDEN]: 403,
  [codes.NOT_FOUND]: 404,
  // The state of things does not allow it.
  [codes.CONFIG]: 409,
  [codes.NOT_INSTALLED]: 409,
  [codes.POSITION]: 409,
  [codes.PROVIDER_HISTORY]: 409,
  [codes.CONFLICT]: 409,
  [codes.CANCELLED]: 409,
  // The object named does not allow it.
  [codes.NOT_REPLICABLE]: 422,
  [codes.SUBSCRIBER_SCHEMA]: 422,
  [codes.CONSTRAINT]: 422,
  [codes.BAD_VALUE]: 422,
  // A server behind us says no.
  [codes.PERMISSION]: 502,
  [codes.DATABASE_REFUSED]: 502,
  [codes.BUS_REFUSED]: 502,
  // A server behind us does not answer now.
  [codes.DATABASE_UNREACHABLE]: 503,
  [codes.DATABASE_BUSY]: 503,
  [codes.BUS_UNAVAILABLE]: 503,
  [codes.NOT_LEADER]: 503,
  [codes.TOO_MANY]: 503,
  [codes.TIMEOUT]: 504,
};

/** An error as an answer. */
export function faultAnswer(error: unknown): Answer {
  const { code, sentence } = toMillraceError(error);
  const status = statusOf[code] ?? 500;
  return {
    status,
    body: { error: { code, message: oneLine(sentence) } },
    headers: {
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="millrace"' } : {}),
      ...(status === 503 ? { 'retry-after': '5' } : {}),
    },
  };
}

/** Several findings come as several lines. */
export function oneLine(sentence: string): string {
  const lines = cut(sentence, maxMessageLength).split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ');
}

/** At most so many characters of a text. */
export function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)} …`;
}

/** Writes the answer, once; secrets that slipped into a text are taken out. */
export function sendAnswer(response: ServerResponse, { status, body, text, headers }: Answer): void {
  if (response.headersSent) return;
  response.writeHead(status, {
    'content-type': text?.type ?? 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text?.content ?? `${redactText(JSON.stringify(body))}\n`);
}
