import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';

/** Runs work that makes or writes files below `data_dir`. What the system refuses becomes CONFIG, naming `data_dir`. */
export function inDataDir<T>(dataDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const why =
      typeof error === 'object' && error !== null && 'code' in error ? reasons[String(error.code)] : undefined;
    if (why === undefined) throw error;
    throw new MillraceError(codes.CONFIG, `data_dir ${dataDir} cannot be written: ${why}`, {
      advice: 'name a folder that this account may write',
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'it is a file',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOENT: 'there can be no folder',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its links lead in a circle',
};

/**
 * Makes a folder and those above it. One by one: the recursive way of Node never returns where the system answers that a
 * folder does not exist although the one above it does, as below /proc.
 */
export function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  const above = dirname(path);
  if (above !== path) makeFolder(above);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}
