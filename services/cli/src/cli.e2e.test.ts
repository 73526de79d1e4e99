// The program itself: exit codes, streams, launcher.
import { execFile } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@millrace/host';
import { makeScratchDir } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { commands } from './commands.ts';

const launcher = join(projectRoot, 'bin', 'millrace');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function millrace(
  args: readonly string[],
  { cwd = makeScratchDir('cli'), program = launcher, env = {} } = {},
): Promise<Ended> {
  const { MILLRACE_CONFIG: _unused, ...own } = process.env;
  return new Promise((resolve) => {
    execFile(program, [...args], { cwd, env: { ...own, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test.each([
  [['frobnicate']],
  [[]],
  [['--frob']],
  [['--config', 'millrace.yaml']],
  [['--config=millrace.yaml']],
  [['--config']],
  [['add']],
  [['add', 'a.b.c']],
  [['wait', '--timeout', 'soon']],
  [['run', 'nothing']],
  [['queue']],
  [['consumer', 'dance']],
  [['tables']],
  [['--config', 'missing.yaml', 'tables']],
])('%j is wrong usage or configuration: exit 2, one line on stderr, a document with --json', async (args) => {
  const plain = await millrace(args);
  expect(plain.code).toBe(2);
  expect(plain.stdout).toBe('');
  expect(plain.stderr).toMatch(/^millrace: [^\n]+\n$/);
  const json = await millrace([...args, '--json']);
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toEqual({
    error: { code: expect.stringMatching(/usage|config/), message: expect.any(String) },
  });
});

test('a configuration with an unknown key names file, line and key', async () => {
  const cwd = makeScratchDir('cli');
  writeFileSync(join(cwd, 'millrace.yaml'), 'queue: a\nprovidr: {}\n');
  const { code, stderr } = await millrace(['tables'], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(/millrace\.yaml, line 2 has the unknown key providr/);
});

test('a name that would write to the terminal is shown escaped, and unchanged in JSON', async () => {
  const cwd = makeScratchDir('cli');
  writeFileSync(join(cwd, 'millrace.yaml'), 'subscribers: { eu: { url: "postgresql://h/d" } }\n');
  const name = 'e\u009b31m\u202eu\u007f';
  const plain = await millrace(['wait-for', 'x', '--subscriber', name], { cwd });
  expect(plain.stderr).toContain('"e\\x9b31m\\u202eu\\x7f"');
  const json = await millrace(['wait-for', 'x', '--subscriber', name, '--json'], { cwd });
  expect(JSON.parse(json.stdout).error.message).toContain(name);
});

test('every command explains itself with an example, and the version is reported', async () => {
  const all = await millrace(['--help']);
  expect(all.code).toBe(0);
  for (const name of commands.names) expect(all.stdout).toContain(`  ${name} `);
  const one = await millrace(['add-seq', '--help']);
  expect(one.stdout).toMatch(/Example: millrace add-seq/);
  expect((await millrace(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('it runs from any folder, through links, and with an old Node on PATH', async () => {
  const cwd = makeScratchDir('cli');
  symlinkSync(launcher, join(cwd, 'one'));
  symlinkSync('one', join(cwd, 'two'));
  const { code, stdout } = await millrace(['--version'], {
    cwd,
    program: join(cwd, 'two'),
    env: { PATH: '/usr/bin:/bin' },
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d/) });
});

test('a database that cannot be reached is one line and exit 1, without the password', async () => {
  const cwd = makeScratchDir('cli');
  writeFileSync(join(cwd, 'millrace.yaml'), 'provider: { url: "postgresql://me:s3cret@127.0.0.1:1/db" }\n');
  const { code, stdout, stderr } = await millrace(['tables', '--json'], { cwd });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'database-unreachable' } });
  expect(stderr).toMatch(/^millrace: the provider: .*127\.0\.0\.1:1\/db[^\n]*\n$/);
  expect(stdout + stderr).not.toContain('s3cret');
});
