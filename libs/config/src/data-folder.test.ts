import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codes } from '@millrace/errors';
import { afterAll, expect, test } from 'vitest';
import { inDataDir, makeFolder } from './data-folder.ts';

const dir = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('a folder is made with those above it, and again is nothing', () => {
  for (const path of [join(dir, 'a', 'b', 'c'), join(dir, 'a', 'b'), dir]) makeFolder(path);
  writeFileSync(join(dir, 'a', 'b', 'c', 'file'), '');
});

test('a folder that cannot be is a fault of the configuration, reported immediately', () => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/none'] : [])]) {
    expect(() => inDataDir(path, () => makeFolder(path))).toThrow(
      expect.objectContaining({ code: codes.CONFIG, message: expect.stringContaining(`data_dir ${path} cannot be`) }),
    );
  }
});

test('an error that is not of the file system stays what it is', () => {
  const error = new Error('other');
  expect(() =>
    inDataDir(dir, () => {
      throw error;
    }),
  ).toThrow(error);
});
