// npm packages cannot hold symbolic links, so the PostgreSQL packages list theirs in native/pg-symlinks.json.
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Makes the links of one unpacked package and gives its programs their execute bit. Repeatable. */
export function completePostgresPackage(packageDir) {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  const links = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const { source, target } of links) {
    const link = join(packageDir, target);
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), join(packageDir, source)), link);
  }
  const bin = join(packageDir, 'native', 'bin');
  for (const name of readdirSync(bin)) chmodSync(join(bin, name), 0o755);
}
