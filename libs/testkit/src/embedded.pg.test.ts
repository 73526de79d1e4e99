import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@millrace/embedded';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, makeScratchDir, query, startOwnPostgres } from './mod.ts';

const door = fileURLToPath(new URL('../../embedded/src/mod.ts', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Runs a script in a process of its own that starts servers; gives what it prints first and a way to kill it. */
async function inAnotherProcess(script: string): Promise<{ said: string; kill: () => void }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    // Its server ends with it, a moment later, and still writes into a folder that is about to be removed.
    await expect.poll(() => isAlive(Number(said)), { timeout: 30_000 }).toBe(false);
  });
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('exit', () => reject(new Error('it ended early')));
  });
  return { said, kill: () => child.kill('SIGKILL') };
}

function startAndHang(dir: string): string {
  return `import { startPostgres } from ${JSON.stringify(door)};
    const server = await startPostgres({ dir: ${JSON.stringify(dir)} });
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
}

test.each([15, 18])('PostgreSQL %i runs in a folder with an odd name, with settings, and keeps data', async (major) => {
  const dir = join(makeScratchDir('odd'), 'it\'s a "folder" é');
  const server = await startOwnPostgres({ dir, major, user: 'Odd one', settings: { work_mem: '7MB' } });
  const rows = await query(server.url, "SELECT current_user AS me, current_setting('work_mem') AS mem");
  expect(rows).toEqual([{ me: 'Odd one', mem: '7MB' }]);
  await query(server.url, 'CREATE TABLE t (a int)');
  const port = server.port;
  await server.restart({ settings: { wal_level: 'logical' } });
  expect(server.port).toBe(port);
  expect(await query(server.url, "SELECT current_setting('wal_level') AS level, count(*)::int AS n FROM t")).toEqual([
    { level: 'logical', n: 0 },
  ]);
});

test.each([15, 18])(
  'PostgreSQL %i with a password lets in nobody who does not know it, and takes a new one at a start',
  async (major) => {
    const dir = makeScratchDir('password');
    const open = await startPostgres({ dir, major, user: 'Odd one' });
    await query(open.url, 'CREATE TABLE t ()');
    await open.stop();
    for (const password of ["it's a p@ss", 'another']) {
      const server = await startPostgres({ dir, major, user: 'Odd one', password });
      expect(await query(server.url, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 0 }]);
      const rules = 'SELECT DISTINCT auth_method FROM pg_hba_file_rules';
      expect(await query(server.url, rules)).toEqual([{ auth_method: 'scram-sha-256' }]);
      for (const wrong of ['', ':guess']) {
        const url = server.url.replace(/:[^:@]+@/, `${wrong}@`);
        await expect(query(url, 'SELECT')).rejects.toThrow(/password/);
      }
      const log = readFileSync(server.logFile, 'utf8');
      expect(log).not.toContain(password);
      await server.stop();
    }
  },
);

test('a server whose starter was killed ends too, and its directory can be used again at once', async () => {
  const dir = makeScratchDir('orphan');
  const other = await inAnotherProcess(startAndHang(dir));
  other.kill();
  const server = await startOwnPostgres({ dir });
  expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(server.pid).not.toBe(Number(other.said));
});

test('a directory that a living process uses is refused', async () => {
  const dir = makeScratchDir('taken');
  await inAnotherProcess(startAndHang(dir));
  await expect(startPostgres({ dir })).rejects.toThrow(/is in use by process/);
});

test('a pid file left by a crash that names a living stranger does not keep the server down', async () => {
  const server = await startOwnPostgres();
  const file = join(server.dataDir, 'postmaster.pid');
  const text = readFileSync(file, 'utf8');
  await server.kill('SIGKILL');
  writeFileSync(file, text.replace(/^\d+/, String(process.pid)));
  await server.start();
  expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a stopped server hangs and goes on', async () => {
  const server = await startOwnPostgres();
  await server.kill('SIGSTOP');
  const answer = query(server.url, 'SELECT 1 AS one');
  await expect(Promise.race([answer, new Promise((_, no) => setTimeout(no, 300, new Error('hangs')))])).rejects.toThrow(
    'hangs',
  );
  await server.kill('SIGCONT');
  expect(await answer).toEqual([{ one: 1 }]);
});

test('a fresh start forgets what was there, and an unfinished initdb is begun again', async () => {
  const dir = makeScratchDir('fresh');
  const first = await startPostgres({ dir });
  await query(first.url, 'CREATE TABLE t ()');
  await first.stop();
  const second = await startOwnPostgres({ dir, fresh: true });
  await expect(query(second.url, 'SELECT FROM t')).rejects.toThrow(/does not exist/);
  expect(existsSync(`${second.dataDir}.new`)).toBe(false);
});

test('a port that somebody else has taken is refused with the reason', async () => {
  const first = await startOwnPostgres();
  const second = startPostgres({ dir: makeScratchDir('port'), port: first.port });
  await expect(second).rejects.toThrow(/did not start.*could not/);
});

test('a stop ends every process of the server', async () => {
  const server = await startOwnPostgres();
  const pid = server.pid ?? 0;
  await server.stop();
  expect(server.pid).toBeUndefined();
  await eventually(() => !isAlive(pid));
  await server.stop();
});
