import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, makeScratchDir } from '@millrace/testkit';
import { type Outcome, runInProcess } from './command-site.ts';

/** Databases with queues, and the commands run against them in this process. */
export interface QueueSite {
  /** Urls by name. */
  readonly urls: Readonly<Record<string, string>>;
  readonly configFile: string;
  run(name: string, ...words: string[]): Promise<Outcome>;
  /** Runs it and throws when it does not succeed. */
  do(name: string, ...words: string[]): Promise<Outcome>;
  /** The same as `run`, with these lines on stdin. */
  type(lines: readonly string[], name: string, ...words: string[]): Promise<Outcome>;
}

/** Empty databases below `databases`, and maybe a provider; nothing is installed. */
export async function makeQueueSite(names: readonly string[], more: { provider?: string } = {}): Promise<QueueSite> {
  const urls: Record<string, string> = {};
  for (const name of names) urls[name] = (await createDatabase()).url;
  const configFile = join(makeScratchDir('queues'), 'millrace.yaml');
  const provider = more.provider === undefined ? {} : { provider: { url: more.provider } };
  const databases = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url }]));
  writeFileSync(configFile, JSON.stringify({ ...provider, databases, http: { port: 0 } }));
  const run = (name: string, ...words: string[]) => runInProcess(configFile, name, words);
  return {
    urls,
    configFile,
    run,
    do: async (name, ...words) => {
      const outcome = await run(name, ...words);
      if (outcome.code !== 0) throw new Error(`${name} ${words.join(' ')}: ${outcome.error?.message ?? outcome.code}`);
      return outcome;
    },
    type: (lines, name, ...words) => runInProcess(configFile, name, words, lines),
  };
}
