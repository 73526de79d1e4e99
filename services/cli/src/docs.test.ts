// The documents cannot drift from the program: every command, file, metric and error code they name exists.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@millrace/config';
import { parseArguments, splitCommand } from '@millrace/control';
import { codes } from '@millrace/errors';
import { projectRoot } from '@millrace/host';
import { expect, onTestFinished, test } from 'vitest';
import { commands } from './commands.ts';

const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'test/README.md', ...markdownIn('docs')];

function markdownIn(folder: string): string[] {
  const names = readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

const textOf = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

/** A folder with these files, which goes away with the test. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

interface Found {
  /** `docs/operations.md: millrace status`. */
  readonly title: string;
  readonly command: string;
}

/** Text in backticks on one line, outside of blocks. */
function inlineCode(text: string): string[] {
  return [...text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
}

/** The lines of all blocks of that language, without comments; a backslash at the end of a line goes on in the next. */
function blockLines(text: string, language: string): string[] {
  return blocks(text, language)
    .flatMap((block) => block.replaceAll(/\\\n/g, ' ').split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

function blocks(text: string, language: string): string[] {
  const found = text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'));
  return [...found].map((match) => (match[2] ?? '').replaceAll(new RegExp(`^${match[1] ?? ''}`, 'gm'), ''));
}

function commandsIn(path: string, program: RegExp): Found[] {
  const text = textOf(path);
  const all = [...blockLines(text, 'sh'), ...inlineCode(text)];
  return all.filter((code) => program.test(code)).map((command) => ({ title: `${path}: ${command}`, command }));
}

const ours = documents.flatMap((path) => commandsIn(path, /^(\w+=\S+ )*(bin\/)?millrace( |$)/));

/** Words as a shell would cut them; enough for what documents hold. */
function words(command: string): string[] {
  const cut = command.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const plain = cut.map((word) => word.replaceAll(/^["']|["']$/g, '')).filter((word) => word !== '…');
  return plain.slice(plain.findIndex((word) => /(^|\/)millrace$/.test(word)) + 1);
}

test.each(ours)('$title', async ({ command }) => {
  const argv = words(command);
  const { name, rest } = splitCommand(argv, commands);
  if (name === undefined) return expect(argv.every((word) => /^--(config|json|help|version)$/.test(word))).toBe(true);
  const found = await commands.load(name);
  // A verb that stands alone in a sentence is only a name.
  if (rest.length > 0) expect(() => parseArguments(found, rest)).not.toThrow();
  if (name === 'run' && rest.length > 0) expect(['ticker', 'capture', 'replay', 'admin']).toContain(rest[0]);
});

test('every command is described in the operations, or with the queues', () => {
  const described = new Set(
    ['docs/operations.md', 'docs/queues.md']
      .flatMap((path) => commandsIn(path, /^(bin\/)?millrace /))
      .map(({ command }) => splitCommand(words(command), commands).name),
  );
  expect(commands.names.filter((name) => !described.has(name))).toEqual([]);
});

test('every advice in the program names commands that exist', async () => {
  const folders = ['services', 'libs'].flatMap((group) =>
    readdirSync(join(projectRoot, group)).map((name) => join(group, name, 'src')),
  );
  for (const folder of folders) {
    for (const file of readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
      for (const [, inTemplate, inText] of textOf(join(folder, file)).matchAll(
        /\\`millrace ([a-z-]+(?: [a-z-]+)?)|'[^'\n]*`millrace ([a-z-]+(?: [a-z-]+)?)/g,
      )) {
        const { name } = splitCommand((inTemplate ?? inText ?? '').split(' '), commands);
        if (name !== undefined) await expect(commands.load(name), `${folder}/${file}: ${name}`).resolves.toBeDefined();
      }
    }
  }
});

test.each(documents.flatMap((path) => commandsIn(path, /^npm /)))('$title', ({ command }) => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const [, first = '', second = ''] = command.split(/\s+/);
  expect(Object.keys(scripts)).toContain(first === 'run' ? second : first);
});

test.each(documents)('%s names only files that are there', (path) => {
  const text = textOf(path);
  const links = [...text.matchAll(/\]\(([^)#\s]+)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^\w+:/.test(link));
  const paths = inlineCode(text).filter((code) => /^(services|libs|test|infra|docs|bin)\/[\w./-]+$/.test(code));
  const missing = [
    ...links.filter((link) => !existsSync(join(projectRoot, path, '..', link))),
    ...paths.filter((file) => !existsSync(join(projectRoot, file))),
  ];
  expect(missing).toEqual([]);
});

test('the table of metrics is the list of metrics', () => {
  const files = ['services/ticker', 'services/capture', 'services/replay', 'services/admin', 'libs/telemetry'].flatMap(
    (project) =>
      readdirSync(join(projectRoot, project, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
        .map((name) => join(project, 'src', name)),
  );
  const declared = files.flatMap((file) =>
    [
      ...textOf(file).matchAll(/^(?:(?:export )?const \w+ = )?(counter|gauge|histogram|observedGauge)\(\s*'(\w+)'/gm),
    ].map(([, kind, name]) => (kind === 'counter' ? `${name}_total` : name)),
  );
  const described = [...textOf('docs/operations.md').matchAll(/^\| `((?:millrace|process)_\w+)`/gm)].map(
    (match) => match[1],
  );
  expect(described.toSorted()).toEqual(declared.toSorted());
});

test('the table of checks is the list of checks of the doctor', () => {
  const files = ['libs/control/src/doctor', 'libs/control/src/preflight'].flatMap((folder) =>
    readdirSync(join(projectRoot, folder))
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  const made = files.flatMap((file) =>
    [...textOf(file).matchAll(/(?:check: |\b(?:found|error|warning)\(\s*)'([a-z-]+)'/g)].map((match) => match[1]),
  );
  const [, table = ''] = textOf('docs/operations.md').match(/^\| about \| checks \|\n((?:\|.*\n)+)/m) ?? [];
  const described = [...table.matchAll(/`([a-z]+(?:-[a-z]+)*)`/g)].map((match) => match[1]);
  expect(described.toSorted()).toEqual([...new Set(made)].toSorted());
});

test('error codes that are explained exist', () => {
  const rows = [...textOf('docs/operations.md').matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].map(
    (match) => match[1] ?? '',
  );
  const named = rows.flatMap((row) => [...row.matchAll(/`([a-z-]+)`/g)].map((match) => match[1]));
  expect(named.length).toBeGreaterThan(8);
  const known: readonly string[] = [...Object.values(codes), 'not-running'];
  expect(named.filter((code) => !known.includes(code ?? ''))).toEqual([]);
});

test('every configuration that is shown is accepted', () => {
  const secrets = {
    PROVIDER_PASSWORD: 'a',
    EU_PASSWORD: 'b',
    US_PASSWORD: 'c',
    NATS_PASSWORD: 'd',
    NATS_TOKEN: 'e',
    MILLRACE_BUS_KEY: 'q9Zt3Vw7Lx1Bn5Mc8Rk2Hs6Gd4Jf0PaY',
    MILLRACE_TOKEN: '0123456789abcdef',
  };
  const files = documents.flatMap((path) => blocks(textOf(path), 'yaml'));
  expect(files.length).toBeGreaterThan(1);
  files.push(textOf('infra/compose/millrace.yaml'));
  const folder = folderOf({
    'shop.creds': '-----BEGIN NATS USER JWT-----',
    'ca.pem': '-----BEGIN CERTIFICATE-----',
    'client.pem': '-----BEGIN CERTIFICATE-----',
    'client.key': '-----BEGIN PRIVATE KEY-----',
  });
  for (const text of files) expect(() => parseConfig(text, join(folder, 'millrace.yaml'), secrets)).not.toThrow();
});
