import { openApi } from './openapi.ts';
import type { Route } from './route.ts';

/** The route of the document that describes these routes, and itself. */
export function openApiRoute(routes: readonly Route[], about: { version: string }): Route {
  let document: object | undefined;
  const route: Route = {
    name: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    access: 'read',
    answers: { 200: { description: 'OpenAPI 3.1.', type: 'application/json' } },
    answer: async () => {
      document ??= openApi([...routes, route], about);
      return { status: 200, body: document };
    },
  };
  return route;
}
