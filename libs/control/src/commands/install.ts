import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import type { Command, Context } from '../command/command.ts';
import { type InstalledPart, installDatabases, installParts } from '../install/install-parts.ts';

const part = z.strictObject({
  part: z.string().describe('`provider`, `subscriber eu`, `database jobs` or `bus`'),
  state: z.enum(['done', 'waiting', 'failed']),
  detail: z.string(),
  code: z.string().optional().describe('of the error, when it failed'),
});

const result = z.strictObject({ queue: z.string(), parts: z.array(part) });

export const install: Command = {
  name: 'install',
  summary:
    'Install or update the schemas at the provider, the subscribers and in `databases`; register the subscribers.',
  usage: '',
  example: 'millrace install',
  more: 'Installs what the configuration names and can be reached from here. Repeatable, also concurrently.',
  options: {},
  words: [0, 0],
  effect: 'changes',
  api: { result },
  run: runInstall,
};

async function runInstall(context: Context): Promise<number> {
  const config = await context.config();
  const parts = [...(await installParts(config)), ...(await installDatabases(config))];
  if (parts.length === 0) {
    throw new MillraceError(codes.CONFIG, `${config.file} names no database`, {
      advice: 'add `provider:`, `subscribers:` or `databases:`',
    });
  }
  for (const { part, state, detail } of parts) if (state !== 'failed') context.note(`${part}: ${detail}`);
  refuseFailed(parts);
  context.result({ queue: config.queue, parts }, '');
  return 0;
}

/** Throws when a part failed: the first one's code, a line for each. */
export function refuseFailed(parts: readonly InstalledPart[]): void {
  const failed = parts.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return;
  throw new MillraceError(failed[0]?.code ?? codes.INTERNAL, failed.map(({ detail }) => detail).join('\n'));
}
