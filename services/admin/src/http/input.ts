// A command's arguments as the properties of an HTTP request, and back.
import type { IncomingMessage } from 'node:http';
import type { Arguments, Command, OptionSpec } from '@millrace/control';
import { argumentsOf } from '@millrace/control';
import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';

const maxBodyBytes = 1_000_000;

const maxWordLength = 1_000;

/** `no-copy` on the command line is `no_copy` here. */
const propertyOf = (option: string): string => option.replaceAll('-', '_');

/** What a request for this command may hold. */
export function inputSchema(command: Command): z.ZodObject {
  const properties: Record<string, z.ZodType> = {};
  const { api, words, options, confirm } = command;
  const word = z
    .string()
    .min(1)
    .max(api?.maxLength ?? maxWordLength);
  const names = wordNames(command);
  for (const [at, name] of names.entries()) {
    const most = at === names.length - 1 ? words[1] - at : 1;
    const least = Math.min(most, Math.max(0, words[0] - at));
    properties[name] = wordsSchema([least, most], word).describe(`as \`${command.usage}\``);
  }
  for (const [name, spec] of Object.entries(options)) {
    properties[propertyOf(name)] = optionSchema(spec, word).describe(spec.help).optional();
  }
  if (confirm !== undefined) {
    properties['confirm'] = z.boolean().describe('must be true where something is taken away').optional();
  }
  return z.strictObject(properties);
}

function wordNames({ api }: Command): string[] {
  return api?.words === undefined ? [] : [api.words].flat();
}

function wordsSchema([least, most]: Command['words'], word: z.ZodString): z.ZodType {
  if (most === 1) return least === 1 ? word : word.optional();
  const list = z.array(word).min(least);
  const bounded = Number.isFinite(most) ? list.max(most) : list;
  return least === 0 ? bounded.optional() : bounded;
}

function optionSchema({ type, multiple }: OptionSpec, word: z.ZodString): z.ZodType {
  const one = type === 'boolean' ? z.boolean() : type === 'number' ? z.int().min(0) : word;
  return multiple === true ? z.array(one) : one;
}

/** A checked request as the command's arguments. Never parsed as a command line: a word cannot become an option. */
export function argumentsFrom(command: Command, input: Readonly<Record<string, unknown>>): Arguments {
  const given = new Map<string, string[]>();
  for (const [name, { type }] of Object.entries(command.options)) {
    const value = input[propertyOf(name)];
    if (value === undefined || value === false) continue;
    given.set(name, type === 'boolean' ? [''] : listOf(value));
  }
  if (input['confirm'] === true) given.set('yes', ['']);
  const words = wordNames(command).flatMap((name) => listOf(input[name]));
  return argumentsOf(words, given);
}

function listOf(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

/** Checks a request against its schema. Throws USAGE naming the properties that are wrong. */
export function checkInput(schema: z.ZodObject, input: unknown): Record<string, unknown> {
  const checked = schema.safeParse(input);
  if (checked.success) return checked.data;
  const lines = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'the request'}: ${message}`);
  const known = Object.keys(schema.shape);
  throw new MillraceError(codes.USAGE, lines.join('; '), {
    advice: known.length === 0 ? 'this takes nothing' : `it takes ${known.join(', ')}`,
  });
}

/** A query as the schema wants it: numbers and truths from their text; `a=1&a=2` and `a=1,2` are lists. */
export function queryInput(schema: z.ZodObject, query: URLSearchParams): Record<string, unknown> {
  return Object.fromEntries(
    [...new Set(query.keys())].map((name) => [name, queryValue(schema.shape[name], query, name)]),
  );
}

function queryValue(schema: unknown, query: URLSearchParams, name: string): unknown {
  const all = query.getAll(name);
  const text = all.at(-1) ?? '';
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  if (inner instanceof z.ZodArray) return all.flatMap((value) => value.split(',')).filter((value) => value !== '');
  if (inner instanceof z.ZodBoolean) return text === '' || text === 'true' ? true : text === 'false' ? false : text;
  if (inner instanceof z.ZodNumber) return /^\d+$/.test(text) ? Number(text) : text;
  return text;
}

/** The JSON body; `{}` when there is none. Throws USAGE. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBodyBytes) throw new MillraceError(codes.USAGE, `the body is longer than ${maxBodyBytes} bytes`);
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces).toString('utf8');
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new MillraceError(codes.USAGE, 'the body is not JSON');
  }
}
