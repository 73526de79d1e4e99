import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackDebianPackage } from './debian.mjs';
import { tools } from './paths.mjs';
import { run } from './process.mjs';
import { SetupError, say } from './say.mjs';

const version = '2.10.10';

// SHA-256 of the official release archives, as published in its SHA256SUMS.
const archives = {
  'linux-x64': ['linux-amd64', 'c8cd7e19b906a5f8a7f9f7e70fc4bfa492d66a069d9664c4db19fdee1b6aa640'],
  'linux-arm64': ['linux-arm64', 'bbf8b7bc850580a370c9309d0e43ea2b2286e21fa9f5b33dfb751d219275e9e0'],
  'darwin-x64': ['darwin-amd64', '5b6bfed8f75ecb2f6465b87334f4e757a66c32b6c5f802e964a080a3716ffffb'],
  'darwin-arm64': ['darwin-arm64', '8af6cbd8f3f21bcec164d17bc879d3e7807cd98e1c7839ac668986a71c4e52c6'],
};

const home = join(tools, 'nats-server');
const places = ['usr/sbin/nats-server', 'usr/bin/nats-server', 'bin/nats-server'];

/** nats-server on PATH, else the Debian package unpacked into .tools, else the official release, checksum compared. */
export async function ensureNatsServer() {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  if (onPath.some((dir) => isProgram(join(dir, 'nats-server')))) return;
  if (places.some((place) => isProgram(join(home, place)))) return;
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  say('fetching nats-server');
  const why = await unpackDebianPackage('nats-server', fresh);
  if (why !== undefined) await fetchRelease(fresh, why);
  const program = places.map((place) => join(fresh, place)).find((path) => existsSync(path));
  const { code, output } =
    program === undefined ? { code: 1, output: 'no program in it' } : await run(program, ['--version']);
  if (code !== 0) throw new SetupError(`the fetched nats-server does not run: ${output.trim()}`);
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
}

async function fetchRelease(into, whyNotDebian) {
  const found = archives[`${process.platform}-${process.arch}`];
  const other = 'install nats-server 2.9.10 or later, best 2.12.7 or later, and put it on PATH';
  if (found === undefined)
    throw new SetupError(`no nats-server is pinned for ${process.platform} ${process.arch}; ${other}`);
  const [platform, sha256] = found;
  const name = `nats-server-v${version}-${platform}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${version}/${name}.tar.gz`;
  const archive = await download(url).catch((error) => {
    throw new SetupError(
      `cannot fetch nats-server: Debian: ${whyNotDebian}; ${url}: ${error.cause?.code ?? error.message}; ${other}`,
    );
  });
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== sha256) throw new SetupError(`${url} has SHA-256 ${actual}, expected ${sha256}; ${other}`);
  mkdirSync(join(into, 'bin'), { recursive: true });
  const file = join(into, 'archive.tar.gz');
  writeFileSync(file, archive);
  const { code, output } = await run('tar', [
    '-xzf',
    file,
    '-C',
    join(into, 'bin'),
    '--strip-components=1',
    `${name}/nats-server`,
  ]);
  if (code !== 0) throw new SetupError(`cannot unpack ${url}: ${output.trim()}`);
  rmSync(file);
}

async function download(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
