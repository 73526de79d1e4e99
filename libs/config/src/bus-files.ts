// Files named below `bus:`: found when the configuration is read, so that a mistake is reported with its line.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigValues } from './schema.ts';

type BusValues = ConfigValues['bus'];

/** What a file must hold, and how that is said. */
const kinds = {
  credentials: [
    /BEGIN NATS USER JWT|^\s*SU[A-Z2-7]{56}\s*$/m,
    'neither NATS credentials nor the seed of an nkey of a user',
  ],
  ca: [/-----BEGIN (TRUSTED )?CERTIFICATE-----/, 'no certificate in PEM'],
  cert: [/-----BEGIN (TRUSTED )?CERTIFICATE-----/, 'no certificate in PEM'],
  key: [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'no private key in PEM'],
} as const;

type Kind = keyof typeof kinds;

/**
 * The options of the bus with absolute file names. `refuse` makes the error for an option whose file cannot be used; it
 * gets its path and what is wrong, which never repeats what the file holds.
 */
export function withFiles(
  bus: BusValues,
  folder: string,
  refuse: (path: readonly string[], what: string) => Error,
): BusValues {
  const absolute = (kind: Kind, name: string, path: readonly string[]): string => {
    const file = resolve(folder, name);
    const wrong = problemOf(kind, file);
    if (wrong !== undefined) throw refuse(path, `names ${file}, which ${wrong}`);
    return file;
  };
  const { credentials, tls } = bus;
  const files = (['ca', 'cert', 'key'] as const).flatMap((kind) => {
    const name = tls?.[kind];
    return name === undefined ? [] : [[kind, absolute(kind, name, ['bus', 'tls', kind])]];
  });
  return {
    ...bus,
    ...(credentials === undefined ? {} : { credentials: absolute('credentials', credentials, ['bus', 'credentials']) }),
    ...(tls === undefined ? {} : { tls: Object.fromEntries(files) }),
  };
}

function problemOf(kind: Kind, file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
  }
  const [pattern, otherwise] = kinds[kind];
  return pattern.test(text) ? undefined : `holds ${otherwise}`;
}
