import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import { requirePassword } from './access.ts';
import type { PostgresBinaries } from './binaries.ts';
import { asAccount } from './child.ts';
import { commandLine } from './processes.ts';
import { type Account, serverAccount } from './unprivileged.ts';

/** Settings every embedded server starts from; ALTER SYSTEM and the caller's settings win over them. */
const baseSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // No Unix socket: its path may hold at most 107 bytes, and projects live in deep folders.
  unix_socket_directories: '',
  wal_level: 'replica',
  max_connections: '200',
  max_prepared_transactions: '20',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  checkpoint_timeout: '15min',
  logging_collector: 'off',
  log_min_messages: 'warning',
  // Statements of the application hold values; they must not reach our logs.
  log_min_error_statement: 'panic',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const notDurable: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
};

/** What a cluster is made of. */
export interface ClusterPlan {
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly superuser: string;
  readonly password: string | undefined;
  readonly durable: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

/** Creates the cluster if it is not there, and rewrites its settings. */
export async function prepareCluster(plan: ClusterPlan): Promise<Account | undefined> {
  const account = serverAccount(plan.dataDir);
  if (!existsSync(join(plan.dataDir, 'PG_VERSION'))) await createCluster(plan, account);
  checkMajor(plan);
  writeSettings(plan, account);
  dropStalePidFile(plan.dataDir);
  if (plan.password !== undefined) await requirePassword({ ...plan, password: plan.password }, account);
  return account;
}

/** initdb works beside the final place, so that an interrupted one is never taken for a cluster. */
async function createCluster(plan: ClusterPlan, account: Account | undefined): Promise<void> {
  const unfinished = `${plan.dataDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  chmodSync(unfinished, 0o700);
  if (account !== undefined) chownSync(unfinished, account.uid, account.gid);
  const args = ['-D', unfinished, '-U', plan.superuser, '--auth=trust', '--encoding=UTF8', ...localeArgs(plan), '-N'];
  const command = asAccount({
    file: plan.binaries.initdb,
    args,
    cwd: unfinished,
    account,
    reach: [unfinished, plan.binaries.initdb],
  });
  await new Promise<void>((resolve, reject) => {
    execFile(command.file, command.args, command.options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new MillraceError(codes.PROGRAM, `initdb failed: ${stderr.trim()}`, { cause: error }));
    });
  });
  appendFileSync(join(unfinished, 'postgresql.conf'), "\ninclude_if_exists 'millrace.conf'\n");
  rmSync(plan.dataDir, { recursive: true, force: true });
  renameSync(unfinished, plan.dataDir);
}

/** Byte order for sorting and Unicode for letters; before version 17 that needs the system's locale, so only C is sure. */
function localeArgs({ binaries }: ClusterPlan): string[] {
  if (binaries.major < 17) return ['--locale=C'];
  return ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
}

function checkMajor({ dataDir, binaries }: ClusterPlan): void {
  const found = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim();
  if (found === String(binaries.major)) return;
  throw new MillraceError(codes.PROGRAM, `${dataDir} was made by PostgreSQL ${found}, not ${binaries.major}`, {
    advice: 'choose another data_dir, or move the data with pg_dump',
  });
}

function writeSettings({ dataDir, durable, settings }: ClusterPlan, account: Account | undefined): void {
  const all = { ...baseSettings, ...(durable ? {} : notDurable), ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const path = join(dataDir, 'millrace.conf');
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/**
 * After a crash postmaster.pid stays. PostgreSQL removes it unless some process of the same account now has the id in
 * it, which after a restart of a container is likely; so it is checked whether that process is a PostgreSQL on this directory.
 */
function dropStalePidFile(dataDir: string): void {
  const path = join(dataDir, 'postmaster.pid');
  if (!existsSync(path)) return;
  const pid = Number(readFileSync(path, 'utf8').split('\n')[0]);
  if (!commandLine(pid).includes(dataDir)) rmSync(path, { force: true });
}
