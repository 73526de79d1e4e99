import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { controlCommands } from '@millrace/control';
import { codes } from '@millrace/errors';
import { expect, test } from 'vitest';
import { argumentsFrom, checkInput, inputSchema, queryInput, readBody } from './input.ts';

const add = await controlCommands.load('add');
const audit = await controlCommands.load('audit');
const pause = await controlCommands.load('pause');
const remove = await controlCommands.load('remove');

test('a request has the properties of the command line', () => {
  const schema = inputSchema(add);
  expect(Object.keys(schema.shape)).toEqual(['tables', 'subscriber', 'all', 'no_copy', 'create']);
  const args = argumentsFrom(
    add,
    checkInput(schema, { tables: ['--all'], no_copy: true, all: false, subscriber: ['eu'] }),
  );
  expect(args.words).toEqual(['--all']);
  expect([args.has('no-copy'), args.has('all'), args.values('subscriber')]).toEqual([true, false, ['eu']]);
});

test('a single word is a text, and a confirmation is --yes', () => {
  expect(argumentsFrom(pause, checkInput(inputSchema(pause), { subscriber: 'eu' })).words).toEqual(['eu']);
  const args = argumentsFrom(remove, checkInput(inputSchema(remove), { tables: ['a'], confirm: true }));
  expect(args.has('yes')).toBe(true);
  expect(argumentsFrom(remove, { tables: ['a'], confirm: false }).has('yes')).toBe(false);
});

test.each([
  [{}, /tables/],
  [{ tables: [] }, /tables/],
  [{ tables: 'entry' }, /tables/],
  [{ tables: ['entry'], yes: true }, /yes/],
  [{ tables: ['entry'], subscriber: [1] }, /subscriber\.0/],
  [['entry'], /the request/],
  [null, /the request/],
])('%j is refused by name', (input, words) => {
  expect(() => checkInput(inputSchema(remove), input)).toThrow(
    expect.objectContaining({ code: codes.USAGE, message: expect.stringMatching(words) }),
  );
});

test('what is wrong with a request is said in a few words, whatever was sent', () => {
  const schema = inputSchema(remove);
  const messageOf = (input: unknown): string => {
    try {
      checkInput(schema, input);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  const name = 'a://b:'.repeat(10_000);
  expect(messageOf({ tables: ['entry'], [name]: 1 })).toMatch(/^the request: Unrecognized key: "a:\/\/b:.{200,300} …$/);
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, 1]));
  expect(messageOf({ tables: ['entry'], ...many }).length).toBeLessThan(400);
  expect(messageOf({ tables: Array(10_000).fill(1) })).toMatch(/^tables\.0: .*; and 9995 more$/);
});

test.each([
  ['many values', `[${'1,'.repeat(30_000)}1]`, codes.USAGE, /20000 values/],
  ['deep nesting', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, codes.USAGE, /nested deeper than 10/],
  ['too many bytes', ' '.repeat(1_000_001), codes.USAGE, /longer than/],
])('a body with %s is refused', async (_title, text, code, message) => {
  const body = Readable.from([Buffer.from(text)]) as unknown as IncomingMessage;
  await expect(readBody(body)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('bodies that arrive at the same time are bounded together', async () => {
  const never = () => new Readable({ read() {} });
  const waiting = Array.from({ length: 16 }, never);
  const reading = waiting.map((body) => readBody(body as unknown as IncomingMessage));
  for (const body of waiting) body.push(Buffer.alloc(1_000_000, ' '));
  await setImmediate();
  const one = Readable.from([Buffer.from('{}')]) as unknown as IncomingMessage;
  await expect(readBody(one)).rejects.toMatchObject({ code: codes.TOO_MANY });
  for (const body of waiting) body.push(null);
  await expect(Promise.all(reading)).resolves.toHaveLength(16);
  await expect(readBody(Readable.from([Buffer.from('{}')]) as unknown as IncomingMessage)).resolves.toEqual({});
});

test('a query is read as its schema wants it', () => {
  const schema = inputSchema(audit);
  expect(checkInput(schema, queryInput(schema, new URLSearchParams('limit=5&all')))).toEqual({ limit: 5, all: true });
  expect(() => checkInput(schema, queryInput(schema, new URLSearchParams('limit=five')))).toThrow(/limit/);
  expect(() => checkInput(schema, queryInput(schema, new URLSearchParams('offset=5')))).toThrow(/offset/);
  const lists = inputSchema(add);
  expect(queryInput(lists, new URLSearchParams('subscriber=a,b&subscriber=c'))).toEqual({
    subscriber: ['a', 'b', 'c'],
  });
});
