import { z } from 'zod';
import { faultDocument } from './answer.ts';
import type { AnswerForm, Route } from './route.ts';

/** The OpenAPI 3.1 document of these routes. */
export function openApi(routes: readonly Route[], { version }: { version: string }): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace admin',
      version,
      description:
        'The verbs of the command line over HTTP: the same arguments, the documents of `--json`, the same audit.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Fault: jsonSchema(faultDocument, 'output') },
      responses: { Fault: { description: 'What went wrong, and what to do.', content: content(faultReference) } },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            '`http.token` of the configuration; without one, on a loopback address, what is in `DATA_DIR/run/admin.token`. The cookie of `/session` stands for it in a browser.',
        },
      },
    },
  };
}

const faultReference = { $ref: '#/components/schemas/Fault' };

function operation(route: Route): object {
  const { name, summary, description, access, answers } = route;
  const guarded = access === 'guarded' || access === 'change';
  return {
    operationId: name,
    summary,
    ...(description === undefined ? {} : { description }),
    security: guarded ? [{ token: [] }] : [],
    ...parametersOf(route),
    ...bodyOf(route),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, form]) => [status, response(form)])),
      default: { $ref: '#/components/responses/Fault' },
    },
  };
}

function response({ description, schema, type }: AnswerForm): object {
  if (schema === undefined) return { description, ...(type === undefined ? {} : { content: { [type]: {} } }) };
  return { description, content: content(jsonSchema(schema, 'output'), type) };
}

function parametersOf({ method, path, input }: Route): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery =
    method === 'GET' && input !== undefined
      ? Object.entries(input.shape).map(([name, schema]) => query(name, schema))
      : [];
  const all = [...inPath, ...inQuery];
  return all.length === 0 ? {} : { parameters: all };
}

function query(name: string, schema: z.core.$ZodType): object {
  const { description, ...form } = jsonSchema(schema, 'input');
  const required = !(schema instanceof z.ZodOptional || schema instanceof z.ZodDefault);
  return { name, in: 'query', required, ...(description === undefined ? {} : { description }), schema: form };
}

function bodyOf({ method, input }: Route): object {
  if (method !== 'POST') return {};
  const schema = jsonSchema(input ?? z.strictObject({}), 'input');
  const required = Array.isArray(schema['required']) && schema['required'].length > 0;
  return { requestBody: { required, content: content(schema) } };
}

function content(schema: object, type = 'application/json'): object {
  return { [type]: { schema } };
}

function jsonSchema(schema: z.core.$ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...form } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return form;
}
