import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Status, statusDocument } from '@millrace/control/status';
import type { HealthReport } from '@millrace/telemetry';
import { z } from 'zod';
import type { LagHistory } from '../watch/lag-history.ts';
import { lagDocument } from '../watch/lag-history.ts';
import { readPage } from './page.ts';
import type { Route } from './route.ts';

export interface BaseWork {
  readonly status: () => Promise<Status>;
  readonly lag: LagHistory;
  readonly ready: () => HealthReport;
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void;
}

const health = z.strictObject({
  ok: z.boolean(),
  reasons: z.array(z.string()),
  role: z.enum(['leader', 'standby', 'none']).optional(),
});

/** The page, the status, and what probes read. */
export function baseRoutes(work: BaseWork): Route[] {
  return [page, statusRoute(work), lagRoute(work), ...probes(work)];
}

const page: Route = {
  name: 'page',
  method: 'GET',
  path: '/',
  summary: 'A page for people.',
  access: 'read',
  answers: { 200: { description: 'The page.', type: 'text/html' } },
  answer: readPage,
};

function statusRoute({ status }: BaseWork): Route {
  const form = (description: string) => ({ description, schema: statusDocument });
  return {
    name: 'probe-status',
    method: 'GET',
    path: '/status',
    summary: 'The document of `millrace status --json`, with a status for monitors.',
    access: 'read',
    answers: { 200: form('All is well.'), 503: form('Something is stopped or cannot be reached.') },
    answer: async () => {
      const body = await status();
      return { status: body.ok ? 200 : 503, body };
    },
  };
}

function lagRoute({ status, lag }: BaseWork): Route {
  return {
    name: 'lag',
    method: 'GET',
    path: '/api/v1/lag',
    summary: 'The lag of every subscriber over the last minutes, as often as the status was read.',
    access: 'read',
    answers: { 200: { description: 'Oldest first.', schema: lagDocument } },
    answer: async () => {
      await status();
      return { status: 200, body: lag.document() };
    },
  };
}

function probes({ status, ready, metrics }: BaseWork): Route[] {
  const live = { ok: true, reasons: [] };
  const form = (description: string) => ({ description, schema: health });
  return [
    {
      name: 'live',
      method: 'GET',
      path: '/live',
      summary: 'Whether the process is alive.',
      access: 'open',
      answers: { 200: form('It is.') },
      answer: async () => ({ status: 200, body: live }),
    },
    {
      name: 'ready',
      method: 'GET',
      path: '/ready',
      summary: 'Whether admin does its work.',
      access: 'open',
      answers: { 200: form('It does.'), 503: form('It does not; the reasons say why.') },
      answer: async () => ({ status: ready().ok ? 200 : 503, body: ready() }),
    },
    {
      name: 'metrics',
      method: 'GET',
      path: '/metrics',
      summary: 'Metrics in the text format of Prometheus.',
      access: 'open',
      answers: { 200: { description: 'Metrics.', type: 'text/plain' } },
      answer: async ({ request, response }) => {
        await status();
        metrics(request, response);
        return undefined;
      },
    },
  ];
}
