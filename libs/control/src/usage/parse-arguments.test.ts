import { expect, test } from 'vitest';
import { controlCommands } from '../commands.ts';
import { parseArguments, splitCommand } from './parse-arguments.ts';

test('the command may stand before or after the global options', () => {
  expect(splitCommand(['--config', 'a.yaml', 'tables', '--json'], controlCommands)).toEqual({
    name: 'tables',
    rest: ['--config', 'a.yaml', '--json'],
  });
  expect(splitCommand(['tables', '--config=a.yaml'], controlCommands)).toEqual({
    name: 'tables',
    rest: ['--config=a.yaml'],
  });
  expect(splitCommand(['--help'], controlCommands)).toEqual({ name: undefined, rest: ['--help'] });
});

test('a command of a group has two words, with options anywhere', async () => {
  expect(splitCommand(['queue', '--config', 'a.yaml', 'create', 'jobs'], controlCommands)).toEqual({
    name: 'queue create',
    rest: ['--config', 'a.yaml', 'jobs'],
  });
  expect(splitCommand(['queue', '--help'], controlCommands)).toEqual({ name: 'queue', rest: ['--help'] });
  await expect(controlCommands.load('queue')).rejects.toMatchObject({
    advice: expect.stringContaining('verbs of queue are create, drop'),
  });
  await expect(controlCommands.load('queue dance')).rejects.toMatchObject({ message: 'unknown command "queue dance"' });
});

test.each([
  [['entry', '--subscriber', 'eu', 'us'], ['entry'], ['eu', 'us']],
  [['entry', '--subscriber', 'eu', '--subscriber', 'us'], ['entry'], ['eu', 'us']],
  [['--subscriber', 'eu', 'entry', 'orders'], ['entry', 'orders'], ['eu']],
  [['entry', '--subscriber=eu', '--create'], ['entry'], ['eu']],
])('%j names its tables and its subscribers', async (words, tables, subscribers) => {
  const args = parseArguments(await controlCommands.load('add'), words);
  expect(args.words).toEqual(tables);
  expect(args.values('subscriber')).toEqual(subscribers);
});

test('a command without words of its own takes every word after --subscriber', async () => {
  const args = parseArguments(await controlCommands.load('wait'), ['--subscriber', 'eu', 'us', '--timeout', '1s']);
  expect(args.values('subscriber')).toEqual(['eu', 'us']);
  expect(args.value('timeout')).toBe('1s');
});

test('with --all there are no words of its own either', async () => {
  const args = parseArguments(await controlCommands.load('add'), ['--all', '--subscriber', 'eu', 'us']);
  expect(args.words).toEqual([]);
  expect(args.values('subscriber')).toEqual(['eu', 'us']);
});

test.each([
  ['wait', ['--frob'], /Unknown option --frob/],
  ['wait', ['extra'], /unexpected "extra"/],
  ['pause', [], /something is missing/],
  ['pause', ['a', 'b'], /unexpected "b"/],
  ['add', ['x', '--all=yes'], /--all/],
  ['wait', ['--timeout'], /--timeout/],
])('%s %j is wrong usage, in one line with the usage', async (name, words, message) => {
  const command = await controlCommands.load(name);
  expect(() => parseArguments(command, words)).toThrow(message);
  try {
    parseArguments(command, words);
  } catch (error) {
    expect((error as { sentence: string }).sentence).toMatch(new RegExp(`usage: millrace ${name}`));
    expect((error as Error).message).not.toContain('\n');
  }
});

test('the name of an object is no command', async () => {
  await expect(controlCommands.load('constructor')).rejects.toThrow(/unknown command/);
});
