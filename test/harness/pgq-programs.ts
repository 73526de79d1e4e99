// The real PgQ of Debian: a PostgreSQL 15 with extensions pgq and pgq_node, pgqd, and the Python consumer library.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetched } from './fetched.ts';
import type { ServerPlan } from './ground.ts';
import { ServiceProcess } from './service-process.ts';

/** Where it was unpacked, or why it is not there. */
export const pgqPrograms = fetched('pgq');

/** A server where `CREATE EXTENSION pgq` works. */
export function extensionServer(): ServerPlan {
  return { major: 15, binDir: join(home(), 'usr', 'lib', 'postgresql', '15', 'bin') };
}

/** Schema pgq_node as SQL, for a database whose pgq is no extension. */
export function nodeSchema(): string {
  return readFileSync(join(home(), 'usr', 'share', 'postgresql', '15', 'contrib', 'pgq_node.sql'), 'utf8');
}

/** What a program needs to have in its environment to find its libraries. */
function pgqEnvironment(): NodeJS.ProcessEnv {
  const lib = join(home(), 'usr', 'lib');
  const libraries = readdirSync(lib).filter((name) => name.endsWith('-linux-gnu'));
  return {
    ...process.env,
    LD_LIBRARY_PATH: libraries.map((name) => join(lib, name)).join(':'),
    PYTHONPATH: join(lib, 'python3', 'dist-packages'),
    PYTHONUNBUFFERED: '1',
  };
}

/** A pgqd for some databases of one server, hasty; not started. */
export function pgqDaemon(dir: string, databaseUrls: readonly string[]): ServiceProcess {
  const file = join(dir, 'pgqd.ini');
  const names = databaseUrls.map((url) => decodeURIComponent(new URL(url).pathname.slice(1)));
  const base = connstr(databaseUrls[0] ?? '').replace(/ dbname=.*/, '');
  writeFileSync(
    file,
    `[pgqd]
base_connstr = ${base}
initial_database = ${names[0]}
database_list = ${names.join(', ')}
syslog = 0
ticker_period = 0.1
retry_period = 1
maint_period = 1
check_period = 1
stats_period = 1
`,
  );
  return new ServiceProcess({
    label: 'pgqd',
    file: join(home(), 'usr', 'bin', 'pgqd'),
    args: ['-v', file],
    cwd: dir,
    env: pgqEnvironment(),
    logFile: join(dir, 'pgqd.log'),
  });
}

export interface PythonConsumer {
  /** A file with a main that takes its arguments as python-pgq does. */
  readonly script: string;
  readonly kind: string;
  /** Its job name, and the first part of its files' names. */
  readonly name: string;
  readonly dir: string;
  readonly config: Readonly<Record<string, string>>;
}

/** A consumer written with python-pgq; not started. `switches`: what is given after its configuration. */
export function pythonConsumer(plan: PythonConsumer, switches: readonly string[] = []): ServiceProcess {
  const file = join(plan.dir, `${plan.name}.ini`);
  const lines = Object.entries({ job_name: plan.name, loop_delay: '0.05', ...plan.config });
  writeFileSync(file, `[consumers]\n${lines.map(([key, value]) => `${key} = ${value}\n`).join('')}`);
  return new ServiceProcess({
    label: plan.name,
    file: '/usr/bin/python3',
    args: [plan.script, plan.kind, file, ...switches],
    cwd: plan.dir,
    env: pgqEnvironment(),
    logFile: join(plan.dir, `${plan.name}.log`),
  });
}

/** A database in the words of libpq. */
export function connstr(url: string): string {
  const { hostname, port, username, pathname } = new URL(url);
  return `host=${hostname} port=${port} user=${username} dbname=${decodeURIComponent(pathname.slice(1))}`;
}

function home(): string {
  if (pgqPrograms.dir === undefined) throw new Error(pgqPrograms.why);
  return pgqPrograms.dir;
}
