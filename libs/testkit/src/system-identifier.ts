import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const identifierBytes = 8;
/** Where the first page of a WAL segment holds the identifier of its cluster. */
const offsetInSegment = 24;

/**
 * Gives a cluster that was shut down an identifier of its own, as initdb would have: a copy is then as little the
 * original as two servers are the same one. `pg_control` begins with it and ends with a checksum; WAL repeats it.
 */
export function renewSystemIdentifier(dataDir: string): void {
  const identifier = randomBytes(identifierBytes);
  // Of a time, like those of initdb, so that it is positive as a bigint.
  identifier.writeUInt32LE(Math.floor(Date.now() / 1000), 4);
  const file = join(dataDir, 'global', 'pg_control');
  const control = readFileSync(file);
  const checksumAt = findChecksum(control);
  identifier.copy(control);
  control.writeUInt32LE(crc32c(control.subarray(0, checksumAt)), checksumAt);
  writeFileSync(file, control);
  for (const name of readdirSync(join(dataDir, 'pg_wal'))) {
    if (!/^[0-9A-F]{24}$/.test(name)) continue;
    const segment = openSync(join(dataDir, 'pg_wal', name), 'r+');
    writeSync(segment, identifier, 0, identifierBytes, offsetInSegment);
    closeSync(segment);
  }
}

/** The checksum is the last field, whose place differs from version to version: it is where it is right. */
function findChecksum(control: Buffer): number {
  for (let at = identifierBytes; at < 1024; at += 4) {
    if (crc32c(control.subarray(0, at)) === control.readUInt32LE(at)) return at;
  }
  throw new Error('pg_control has no checksum that fits');
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** CRC-32C, which Node does not have. */
function crc32c(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
