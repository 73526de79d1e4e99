// The command line that every service's main.ts understands, and where it publishes its address.
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { codes, MillraceError } from '@millrace/errors';
import { inDataDir, makeFolder } from './data-folder.ts';
import { type Config, loadConfig } from './load.ts';

export type ServiceKind = 'ticker' | 'capture' | 'replay' | 'admin';

export interface ServiceStart {
  readonly config: Config;
  /** Subscriber, for replay only. */
  readonly name: string | undefined;
  /** Where the health endpoint is to listen; port 0 = any. */
  readonly http: { host: string; port: number };
}

const usageLine = 'usage: main.ts [--config FILE] [--http HOST:PORT] [--name NAME (replay only)]';

/**
 * Reads `--config FILE`, `--http HOST:PORT` (default from `services:`, or from `http:` for admin) and, for replay,
 * `--name NAME`; loads the configuration. Throws USAGE or CONFIG.
 */
export function startFromArgs(kind: ServiceKind, args: string[] = process.argv.slice(2)): ServiceStart {
  const values = parse(args);
  if ((kind === 'replay') !== (values.name !== undefined)) throw new MillraceError(codes.USAGE, usageLine);
  const config = loadConfig({ flag: values.config });
  const http = values.http === undefined ? configuredHttp(config, kind, values.name) : parseHostPort(values.http);
  return { config, name: values.name, http };
}

/** `HOST:PORT`, IPv6 hosts in brackets. Throws USAGE. */
export function parseHostPort(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new MillraceError(codes.USAGE, `${JSON.stringify(text)} is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '', port };
}

/** The file that says where a running service listens: DATA_DIR/run/ticker.json, …/replay-NAME.json. */
export function runFile(config: Config, kind: ServiceKind, name?: string): string {
  return join(config.data_dir, 'run', `${name === undefined ? kind : `${kind}-${name}`}.json`);
}

/** Writes that file: `{service, name?, pid, host, port, url}`. Of several instances the one started last is in it. Throws CONFIG. */
export function writeRunFile(
  file: string,
  content: { service: ServiceKind; name?: string | undefined; host: string; port: number; url: string },
): void {
  const folder = dirname(file);
  inDataDir(dirname(folder), () => {
    makeFolder(folder);
    // Under another name first: a reader never sees half a file.
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify({ ...content, pid: process.pid })}\n`);
    renameSync(draft, file);
  });
}

function configuredHttp(config: Config, kind: ServiceKind, name: string | undefined): { host: string; port: number } {
  if (kind === 'admin') return { ...config.http };
  const key = name === undefined ? kind : `${kind}:${name}`;
  return { host: config.services.host, port: config.services.ports[key] ?? 0 };
}

function parse(args: string[]) {
  try {
    const options = { config: { type: 'string' }, http: { type: 'string' }, name: { type: 'string' } } as const;
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new MillraceError(codes.USAGE, usageLine, { cause });
  }
}
