import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tools } from './paths.mjs';
import { say } from './say.mjs';

const file = join(tools, 'setup.lock');

/** Runs `work` while no other set-up of this folder does; one that was killed leaves no lock behind for long. */
export async function withLock(work) {
  mkdirSync(tools, { recursive: true });
  await acquire();
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire() {
  let told = false;
  while (!create()) {
    const holder = readHolder();
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      dropStale(holder);
      continue;
    }
    if (!told) say(`waiting for another set-up (process ${holder})`);
    told = true;
    await delay(200);
  }
}

/** The lock appears with its content at once, because a link is atomic. */
function create() {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function readHolder() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Moves the dead one's lock away; if a living one has taken its place meanwhile, that one is put back. */
function dropStale(dead) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (Number(readFileSync(aside, 'utf8')) !== dead) linkSync(aside, file);
  rmSync(aside, { force: true });
}
