import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import type { PageSessions } from '../access/page-sessions.ts';
import type { Route } from './route.ts';

const input = z.strictObject({ code: z.string().max(200).describe('of a link that `millrace page` printed') });

/** Where the links of `millrace page` lead. `token`: that of admin; undefined: nobody is let in. */
export function sessionRoute({ sessions, token }: { sessions: PageSessions; token: () => string | undefined }): Route {
  return {
    name: 'session',
    method: 'GET',
    path: '/session',
    summary:
      'Opens the page for who has a link of `millrace page`: once, within ten minutes. The cookie stands for the token.',
    access: 'read',
    input,
    answers: { 303: { description: 'To the page, with the cookie.' } },
    answer: async ({ request, input: { code } }) => {
      const known = token();
      const { localPort } = request.socket;
      // Who only wants to know where the link leads does not use it up.
      const isPreview =
        request.method === 'HEAD' || /prefetch|prerender/.test(String(request.headers['sec-purpose'] ?? ''));
      const cookie = known === undefined || isPreview ? undefined : sessions.enter(String(code), known, localPort);
      if (cookie !== undefined) return { status: 303, text: toPage, headers: { location: './', 'set-cookie': cookie } };
      throw new MillraceError(codes.UNAUTHORIZED, 'this link was used already, or is older than ten minutes', {
        advice: '`millrace page` prints another one',
      });
    },
  };
}

const toPage = { type: 'text/plain; charset=utf-8', content: '' };
