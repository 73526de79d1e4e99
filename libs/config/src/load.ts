import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import type { z } from 'zod';
import { withFiles } from './bus-files.ts';
import { type FindOptions, findConfigFile } from './find.ts';
import { type ReadYaml, readYaml, refusal } from './read-yaml.ts';
import { type ConfigValues, configSchema } from './schema.ts';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The configuration, complete with defaults and frozen. `data_dir` is absolute. */
export interface Config extends DeepReadonly<ConfigValues> {
  /** Absolute path of the file it came from. */
  readonly file: string;
}

/** Finds, reads and checks the configuration. Throws CONFIG with one sentence naming file, line, key and remedy. */
export function loadConfig(options: FindOptions = {}): Config {
  const file = findConfigFile(options);
  if (file === undefined) {
    throw new MillraceError(codes.CONFIG, 'there is no configuration file', {
      advice: 'write millrace.yaml here, name one with --config FILE or MILLRACE_CONFIG, or begin with `millrace up`',
    });
  }
  return parseConfig(readText(file), file, options.env ?? process.env);
}

/** Checks the text of a configuration file; `file` is its absolute path, for messages and relative folders. */
export function parseConfig(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const yaml = readYaml(text, file, env);
  const parsed = configSchema.safeParse(yaml.values);
  if (!parsed.success) throw firstIssue(parsed.error, yaml, file);
  for (const section of ['subscribers', 'databases'] as const) refuseDuplicateNames(section, parsed.data, yaml, file);
  const folder = dirname(file);
  const data_dir = resolve(folder, parsed.data.data_dir);
  const bus = withFiles(parsed.data.bus, folder, (path, what) =>
    refusal(file, yaml.lineOf(path), `${label(path)} ${what}`),
  );
  return deepFreeze({ ...parsed.data, bus, data_dir, file });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError(codes.CONFIG, `the configuration file ${file} cannot be read`, { cause });
  }
}

function firstIssue(error: z.ZodError, yaml: ReadYaml, file: string): MillraceError {
  const issue = error.issues[0];
  if (issue === undefined) return refusal(file, 1, 'is not a configuration');
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0] ?? ''];
    return refusal(file, yaml.lineOf(path), `has the unknown key ${label(path)}`);
  }
  if (issue.code === 'invalid_key') {
    return refusal(
      file,
      yaml.lineOf(issue.path),
      `${label(issue.path)}: the name ${issue.issues[0]?.message ?? 'is wrong'}`,
    );
  }
  if (issue.path.length === 0) return refusal(file, 1, 'must be a list of `key: value`');
  return refusal(file, yaml.lineOf(issue.path), `${label(issue.path)} ${sentence(issue)}`);
}

// zod's own messages (a wrong type) do not begin with a verb as ours do.
function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type' || issue.message.startsWith('must')) return issue.message;
  return issue.expected === 'object' || issue.expected === 'record'
    ? 'must be a list of `key: value`'
    : `must be a ${issue.expected}`;
}

// Names that differ in case only would share run files on some file systems and confuse people everywhere.
function refuseDuplicateNames(
  section: 'subscribers' | 'databases',
  values: ConfigValues,
  yaml: ReadYaml,
  file: string,
): void {
  const seen = new Map<string, string>();
  for (const name of Object.keys(values[section])) {
    const duplicate = seen.get(name.toLowerCase());
    if (duplicate !== undefined) {
      throw refusal(
        file,
        yaml.lineOf([section, name]),
        `names the ${section.slice(0, -1)} ${JSON.stringify(name)}, which differs from ${JSON.stringify(duplicate)} in case only`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** What stands where a key must be may be a value: a URL with its password. */
function label(path: readonly PropertyKey[]): string {
  return path.map((key) => (/^[\w:. -]{1,64}$/.test(String(key)) ? String(key) : '…')).join('.');
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
