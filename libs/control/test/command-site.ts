import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig } from '@millrace/config';
import { toMillraceError } from '@millrace/errors';
import { createDatabase, makeScratchDir, query, sharedNatsUrl, uniqueName } from '@millrace/testkit';
import type { Context } from '../src/command/command.ts';
import { controlCommands } from '../src/commands.ts';
import { runCommand } from '../src/invoke/run-command.ts';
import { parseArguments } from '../src/usage/parse-arguments.ts';

/** What a command came to. */
export interface Outcome {
  readonly code: number;
  /** Its document; undefined when it failed. */
  readonly document: unknown;
  /** Its result for people; empty when it failed. */
  readonly text: string;
  /** Lines for people. */
  readonly notes: readonly string[];
  /** Error code and sentence; undefined when it succeeded. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** A provider and subscribers in empty databases, and the commands run against them in this process. */
export interface CommandSite {
  readonly config: Config;
  readonly queue: string;
  readonly provider: string;
  /** Urls by name. */
  readonly subscribers: Readonly<Record<string, string>>;
  run(name: string, ...words: string[]): Promise<Outcome>;
  /** Runs it and throws when it does not succeed. */
  do(name: string, ...words: string[]): Promise<Outcome>;
  /** The same site as a host sees it that has only a part of the configuration. */
  host(part: {
    provider: boolean;
    withUrl: readonly string[];
    without?: readonly string[];
    /** Default: the bus of all. */
    bus?: string;
  }): CommandSite;
  everywhere(sql: string): Promise<void>;
}

export interface SitePlan {
  readonly names?: readonly string[];
  /** Of the provider and of the subscribers. */
  readonly majors?: readonly [number, number];
  /** Default: an empty database of its own. */
  readonly provider?: string;
}

/** Makes the site; nothing is installed. */
export async function makeSite(plan: SitePlan = {}): Promise<CommandSite> {
  const { names = ['eu', 'us'], majors = [15, 18] } = plan;
  const provider = plan.provider ?? (await createDatabase({ major: majors[0] })).url;
  const subscribers: Record<string, string> = {};
  for (const name of names) subscribers[name] = (await createDatabase({ major: majors[1] })).url;
  return siteOf({
    dir: makeScratchDir('admin'),
    queue: uniqueName('q'),
    provider,
    subscribers,
    lines: undefined,
    bus: undefined,
  });
}

interface Parts {
  readonly dir: string;
  readonly queue: string;
  readonly provider: string;
  readonly subscribers: Readonly<Record<string, string>>;
  readonly lines: readonly string[] | undefined;
  readonly bus: string | undefined;
}

function siteOf(parts: Parts): CommandSite {
  const { queue, provider, subscribers } = parts;
  const config = writeConfig(parts);
  const run = (name: string, ...words: string[]): Promise<Outcome> => runInProcess(config.file, name, words);
  return {
    config,
    queue,
    provider,
    subscribers,
    run,
    do: async (name, ...words) => {
      const outcome = await run(name, ...words);
      if (outcome.code !== 0) throw new Error(`${name} ${words.join(' ')}: ${outcome.error?.message ?? outcome.code}`);
      return outcome;
    },
    host: ({ provider: hasProvider, withUrl, without = [], bus }) =>
      siteOf({
        ...parts,
        dir: makeScratchDir('admin-host'),
        bus,
        lines: [
          ...(hasProvider ? [`provider: { url: "${provider}" }`] : []),
          'subscribers:',
          ...withUrl.map((name) => `  ${name}: { url: "${subscribers[name]}" }`),
          ...without.map((name) => `  ${name}: {}`),
        ],
      }),
    everywhere: async (sql) => {
      for (const url of [provider, ...Object.values(subscribers)]) await query(url, sql);
    },
  };
}

function writeConfig({ dir, queue, provider, subscribers, lines, bus = sharedNatsUrl() }: Parts): Config {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'millrace.yaml');
  const all = [
    `provider: { url: "${provider}" }`,
    'subscribers:',
    ...Object.entries(subscribers).map(([name, url]) => `  ${name}: { url: "${url}" }`),
  ];
  const text = [`queue: ${queue}`, ...(lines ?? all), `bus: { url: "${bus}" }`, 'http: { port: 0 }', ''];
  writeFileSync(file, text.join('\n'));
  return loadConfig({ flag: file });
}

/** Runs a command with this configuration; `lines`: what it finds on stdin. */
export async function runInProcess(
  configFile: string,
  name: string,
  words: readonly string[],
  lines: readonly string[] = [],
): Promise<Outcome> {
  const notes: string[] = [];
  let document: unknown;
  let text = '';
  const context: Context = {
    configFile,
    json: true,
    actor: 'tester@here',
    ask: undefined,
    input: async function* () {
      yield* lines;
    },
    config: async () => loadConfig({ flag: configFile }),
    note: (line) => void notes.push(line),
    result: (found, shown) => {
      document = found;
      text = shown;
    },
  };
  try {
    const command = await controlCommands.load(name);
    const code = await runCommand(command, context, parseArguments(command, words));
    // What is promised over HTTP and in the OpenAPI document is what the command gives.
    if (document !== undefined) command.api?.result.parse(document);
    return { code, document, text, notes, error: undefined };
  } catch (error) {
    const { code, sentence } = toMillraceError(error);
    return { code: 1, document, text, notes, error: { code, message: sentence } };
  }
}
