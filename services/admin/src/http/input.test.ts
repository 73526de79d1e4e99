import { controlCommands } from '@millrace/control';
import { codes } from '@millrace/errors';
import { expect, test } from 'vitest';
import { argumentsFrom, checkInput, inputSchema, queryInput } from './input.ts';

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
