import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';

/** Where to search; all parts have the process's own values as default. */
export interface FindOptions {
  /** Value of --config. */
  readonly flag?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/**
 * The configuration file by the fixed order: --config, MILLRACE_CONFIG, ./millrace.yaml, ./.millrace/millrace.yaml.
 * Returns its absolute path, or undefined when there is none (then `up` may begin the embedded default).
 * Throws CONFIG when one that was named does not exist.
 */
export function findConfigFile({ flag, env = process.env, cwd = process.cwd() }: FindOptions = {}): string | undefined {
  if (flag !== undefined) return named(flag, '--config', cwd);
  const fromEnv = env['MILLRACE_CONFIG'];
  if (fromEnv !== undefined && fromEnv !== '') return named(fromEnv, 'MILLRACE_CONFIG', cwd);
  return [join(cwd, 'millrace.yaml'), embeddedConfigFile(cwd)].find((file) => existsSync(file));
}

/** Where `up` writes the configuration of the embedded default. */
export function embeddedConfigFile(cwd = process.cwd()): string {
  return join(cwd, '.millrace', 'millrace.yaml');
}

function named(path: string, by: string, cwd: string): string {
  const file = isAbsolute(path) ? path : resolve(cwd, path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile()) return file;
  const why = found === undefined ? 'does not exist' : 'is not a file';
  throw new MillraceError(codes.CONFIG, `the configuration file ${file}, named by ${by}, ${why}`);
}
