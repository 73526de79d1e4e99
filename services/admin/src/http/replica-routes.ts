import { replica, wantedOf } from '@millrace/control/status';
import { z } from 'zod';
import type { ReplicaWatch } from '../watch/replica-watch.ts';
import type { Route } from './route.ts';

const wanted = z.strictObject({
  max_lag_ms: z.int().min(0).describe('maximum lag; left out: the lag is not judged').optional(),
  tables: z.array(z.string()).describe('tables that must be complete; left out: all that it follows').optional(),
});

const list = z.strictObject({ queue: z.string(), max_lag_ms: z.int().nullable(), replicas: z.array(replica) });

/** For load balancers: which subscribers are fresh enough to be read from. */
export function replicaRoutes({ queue, replicas }: { queue: string; replicas: ReplicaWatch }): Route[] {
  const form = (description: string) => ({ description, schema: replica });
  return [
    {
      name: 'replicas',
      method: 'GET',
      path: '/replicas',
      summary: 'Every subscriber of the configuration: how far it is behind, and whether it is fresh enough.',
      access: 'read',
      input: wanted,
      answers: { 200: { description: 'All, fresh or not.', schema: list } },
      answer: async ({ input }) => {
        const wanted = wantedOf(input);
        const found = await replicas.all(wanted);
        return { status: 200, body: { queue, max_lag_ms: wanted.maxLagMs ?? null, replicas: found } };
      },
    },
    {
      name: 'replica-ready',
      method: 'GET',
      path: '/replicas/{name}/ready',
      summary: 'Whether one subscriber is fresh enough, as a status for load balancers.',
      access: 'open',
      input: wanted,
      answers: { 200: form('It is.'), 503: form('It is not; the reasons say why.') },
      answer: async ({ params, input }) => {
        const body = await replicas.one(params['name'] ?? '', wantedOf(input));
        return { status: body.fresh ? 200 : 503, body };
      },
    },
  ];
}
