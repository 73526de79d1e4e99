// A command's arguments as the properties of an HTTP request, and back.
import type { IncomingMessage } from 'node:http';
import type { Arguments, Command, OptionSpec } from '@millrace/control';
import { argumentsOf } from '@millrace/control';
import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import { cut } from './answer.ts';

const maxBodyBytes = 1_000_000;
/** Bodies that are being received: all clients together may send no more than this. */
const maxReceivingBytes = 16 * maxBodyBytes;
/** Names and values of a body, and how deep they are nested. */
const maxValues = 20_000;
const maxDepth = 10;
/** Of what is wrong with a request so many findings are named, each with so many characters. */
const maxFindings = 5;
const maxFindingLength = 300;

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
  const { issues } = checked.error;
  const lines = issues
    .slice(0, maxFindings)
    .map(({ path, message }) => cut(`${path.join('.') || 'the request'}: ${message}`, maxFindingLength));
  if (issues.length > maxFindings) lines.push(`and ${issues.length - maxFindings} more`);
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

/** Bytes of bodies that are being received now. */
let receivingBytes = 0;

/** The JSON body; `{}` when there is none. Throws USAGE, and TOO_MANY while others send too much. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const body = parseBody(await receive(request));
  if (isLarge(body)) {
    throw new MillraceError(
      codes.USAGE,
      `the body has more than ${maxValues} values or is nested deeper than ${maxDepth}`,
    );
  }
  return body;
}

async function receive(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    // Not destroyed when it is too long: the answer goes over the same connection.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += piece.length;
      receivingBytes += piece.length;
      if (bytes > maxBodyBytes) throw new MillraceError(codes.USAGE, `the body is longer than ${maxBodyBytes} bytes`);
      if (receivingBytes > maxReceivingBytes) {
        throw new MillraceError(codes.TOO_MANY, 'too many long requests arrive at the same time', {
          advice: 'try again later',
        });
      }
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    receivingBytes -= bytes;
    // What is left is read and dropped: a client sees no answer before it has sent all.
    request.resume();
  }
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new MillraceError(codes.USAGE, 'the body is not JSON');
  }
}

/** Whether checking it would take long. Not recursive: it may be nested as deep as a body is long. */
function isLarge(body: unknown): boolean {
  let values = 0;
  let level = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    values += level.length;
    if (values > maxValues || depth > maxDepth) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}
