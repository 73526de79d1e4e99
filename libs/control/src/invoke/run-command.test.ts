import { codes, MillraceError } from '@millrace/errors';
import { expect, test, vi } from 'vitest';
import type { Command, Context } from '../command/command.ts';
import { helpOf } from '../usage/help.ts';
import { parseArguments } from '../usage/parse-arguments.ts';
import { argumentText } from './audit-entry.ts';
import { runCommand } from './run-command.ts';

const drop: Command = {
  name: 'drop',
  summary: 'Drop something.',
  usage: 'NAME [--now] [--also NAME…] --yes',
  example: 'millrace drop it',
  options: {
    now: { type: 'boolean', help: 'at once' },
    also: { type: 'string', multiple: true, help: 'more' },
    times: { type: 'number', help: 'how often' },
  },
  words: [1, 1],
  effect: 'reads',
  confirm: { warning: (args) => (args.has('now') ? `${args.words[0]} will be gone` : undefined), unattended: 'refuse' },
  run: async () => 0,
};

function context(ask?: Context['ask']): Context {
  const nothing = () => {};
  return {
    configFile: undefined,
    json: false,
    actor: 'tester@here',
    ask,
    config: () => Promise.reject(new MillraceError(codes.CONFIG, 'none')),
    note: nothing,
    result: nothing,
  };
}

const go = (words: string[], ask?: Context['ask'], command = drop) =>
  runCommand(command, context(ask), parseArguments(command, words));

test('where nobody can answer a command that takes something away needs --yes', async () => {
  await expect(go(['it', '--now'])).rejects.toMatchObject({ code: codes.USAGE, advice: 'add --yes to do it' });
  expect(await go(['it', '--now', '--yes'])).toBe(0);
  expect(await go(['it'])).toBe(0);
});

test('one that scripts rely on goes on where nobody can answer', async () => {
  const lenient: Command = { ...drop, confirm: { warning: () => 'gone', unattended: 'go-on' } };
  expect(await go(['it'], undefined, lenient)).toBe(0);
  await expect(go(['it'], async () => false, lenient)).rejects.toMatchObject({ code: codes.CANCELLED });
});

test('a person is asked, and no means no', async () => {
  const yes = vi.fn(async (_question: string) => true);
  expect(await go(['it', '--now'], yes)).toBe(0);
  expect(yes.mock.calls[0]?.[0]).toBe('it will be gone\nGo on? [y/N] ');
  await expect(go(['it', '--now'], async () => false)).rejects.toMatchObject({ code: codes.CANCELLED });
  const never = vi.fn(async () => false);
  expect(await go(['it', '--now', '--yes'], never)).toBe(0);
  expect(never).not.toHaveBeenCalled();
});

test('the help of a command that asks names --yes', () => {
  expect(helpOf(drop)).toMatch(/--yes +do it without asking/);
});

test('a number is a whole number', () => {
  expect(parseArguments(drop, ['it', '--times', '3']).value('times')).toBe('3');
  expect(() => parseArguments(drop, ['it', '--times', 'three'])).toThrow(/--times needs a whole number/);
});

test('the audit has what was typed, without secrets and without --yes', () => {
  const args = parseArguments(drop, ["it's", '--also', 'a', 'postgresql://me:s3cret@h/db', '--now', '--yes']);
  expect(argumentText(drop, args)).toBe("'it'\\''s' --now --also a postgresql://me:***@h/db");
});
