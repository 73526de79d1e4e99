// Who may connect to an embedded server. Without a password everybody on this machine; with one only who knows it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { codes, MillraceError } from '@millrace/errors';
import type { PostgresBinaries } from './binaries.ts';
import { asAccount } from './child.ts';
import type { Account } from './unprivileged.ts';

export interface AccessPlan {
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly superuser: string;
  readonly password: string;
}

/**
 * Makes a server that is down require a password of everybody when it is up, and that the superuser's is this one.
 * The password goes to the server's own program through a pipe: no file but its catalogs, no argument, no log has it.
 */
export async function requirePassword(plan: AccessPlan, account: Account | undefined): Promise<void> {
  const rules = rulesFor(plan.password);
  const file = join(plan.dataDir, 'pg_hba.conf');
  if (readFileSync(file, 'utf8') === rules) return;
  await setPassword(plan, account);
  writeFileSync(file, rules, { mode: 0o600 });
  if (account !== undefined) chownSync(file, account.uid, account.gid);
}

/** The last line identifies, without containing it, the password for which the rules were written. */
function rulesFor(password: string): string {
  const hash = createHash('sha256').update(password).digest('hex');
  return [
    '# Written by Millrace.',
    'host all all 127.0.0.1/32 scram-sha-256',
    'host replication all 127.0.0.1/32 scram-sha-256',
    `# ${hash}`,
    '',
  ].join('\n');
}

/** The server in single-user mode: no client can connect to it meanwhile. It recovers first if it crashed. */
async function setPassword({ dataDir, binaries, superuser, password }: AccessPlan, account: Account | undefined) {
  const command = asAccount({
    file: binaries.postgres,
    args: ['--single', '-D', dataDir, '-c', 'exit_on_error=on', 'postgres'],
    cwd: dataDir,
    account,
    reach: [dataDir, binaries.postgres],
  });
  const child = spawn(command.file, command.args, { ...command.options, stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(`ALTER ROLE ${identifier(superuser)} PASSWORD ${literal(password)}\n`);
  const [said, code] = await Promise.all([text(child.stderr), ended]);
  if (code === 0) return;
  throw new MillraceError(codes.PROGRAM, `the password of PostgreSQL in ${dataDir} could not be set: ${tail(said)}`);
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function literal(value: string): string {
  if (/[\p{Cc}\\]/u.test(value)) throw new MillraceError(codes.PROGRAM, 'a password may not hold such characters');
  return `'${value.replaceAll("'", "''")}'`;
}

/** What it wrote last, without the statement that it may repeat. */
function tail(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '' && !/STATEMENT|PASSWORD/.test(line));
  return lines.slice(-3).join(' | ');
}
