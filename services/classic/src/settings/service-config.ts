import { join } from 'node:path';
import { type Config, inDataDir, loadConfig, makeFolder, parseConfig, writeSecret } from '@millrace/config';

/** What an INI file comes to in the words of millrace.yaml. */
export interface ConfigParts {
  readonly queue?: string;
  readonly providerUrl: string;
  readonly subscriber?: { readonly name: string; readonly url: string };
  readonly busUrl?: string | undefined;
  readonly dataDir: string;
  /** Longest pause of the ticker between two checks. */
  readonly loopDelayMs?: number | undefined;
}

const minPauseMs = 10;
const maxPauseMs = 60_000;

/** A configuration that lives in memory; `file` is named in messages. Throws CONFIG. */
export function configOf(parts: ConfigParts, file: string): Config {
  return parseConfig(textOf(parts), file, {});
}

/** The same as a file that services are started with: `millrace.yaml` in the data folder, for this account only. */
export function writeConfig(parts: ConfigParts): Config {
  const file = join(parts.dataDir, 'millrace.yaml');
  inDataDir(parts.dataDir, () => {
    makeFolder(parts.dataDir);
    writeSecret(file, textOf(parts));
  });
  return loadConfig({ flag: file });
}

function textOf({ queue, providerUrl, subscriber, busUrl, dataDir, loopDelayMs }: ConfigParts): string {
  const values = {
    ...(queue === undefined ? {} : { queue }),
    provider: { url: providerUrl },
    subscribers: subscriber === undefined ? {} : { [subscriber.name]: { url: subscriber.url } },
    ...(busUrl === undefined ? {} : { bus: { url: busUrl } }),
    data_dir: dataDir,
    http: { port: 0 },
    ...(loopDelayMs === undefined ? {} : { ticker: paceOf(loopDelayMs) }),
  };
  // JSON is YAML; what looks like a variable is a part of a password here.
  return `${JSON.stringify(values, null, 2).replaceAll('${', () => '$${')}\n`;
}

/** It checks at least that often; under load as often as it always does. */
function paceOf(loopDelayMs: number): { idle_ms: number; active_ms: number; queues_ms: number } {
  const idle = Math.round(Math.min(maxPauseMs, Math.max(minPauseMs, loopDelayMs)));
  return { idle_ms: idle, active_ms: Math.min(minPauseMs, idle), queues_ms: idle };
}
