import { needProvider, needQueueDatabase } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { type AuditEntry, readAudit } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { alignColumns } from '../command/show.ts';
import { databaseOption, labelOf } from '../queues/at-queues.ts';
import { Side } from '../sides/side.ts';

const entry = z.strictObject({
  id: z.int(),
  at: z.string().describe('ISO 8601, UTC'),
  role: z.string().describe('role of the session at the provider'),
  actor: z.string().nullable().describe('who gave the command; null: noted by the schema itself'),
  what: z.string(),
  arguments: z.string().nullable(),
  outcome: z.enum(['done', 'failed']).nullable().describe('null: it has not ended, or its end was not seen'),
  error: z.string().nullable().describe('code of the error it failed with'),
  ended_at: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
});

const result = z
  .strictObject({ queue: z.string().nullable().describe('null: of every queue'), entries: z.array(entry) })
  .describe('Newest first.');

const maxEntries = 10_000;

export const audit: Command = {
  name: 'audit',
  summary: 'Show which commands changed something: who gave them, when, and their outcome.',
  usage: '[--limit N] [--all] [--queue NAME] [--database NAME] [--json]',
  example: 'millrace audit --limit 50',
  more:
    'Newest first. A database keeps the newest 10,000 entries. Without options they are those of the set; with --database those of\n' +
    'every queue of that database.',
  options: {
    limit: { type: 'number', value: 'N', help: 'how many entries at most; default: 20' },
    all: { type: 'boolean', help: "also what the provider's schema noted automatically" },
    queue: { type: 'string', value: 'NAME', help: "of this queue; default: the set's" },
    ...databaseOption,
  },
  words: [0, 0],
  effect: 'reads',
  api: { result, guarded: true },
  run: async (context, args) => {
    const limit = Number(args.value('limit') ?? 20);
    if (limit < 1 || limit > maxEntries)
      throw new MillraceError(codes.USAGE, `audit: --limit must be from 1 to ${maxEntries}`);
    const config = await context.config();
    if (!args.has('database')) needProvider(config);
    const queue = args.value('queue') ?? (args.has('database') ? null : config.queue);
    const { name, url } = needQueueDatabase(config, args.value('database'));
    const side = await Side.open(url, labelOf({ name, url }));
    try {
      const entries = await side.run(() => readAudit(side.client, { queue, limit, all: args.has('all') }));
      context.result({ queue, entries } satisfies z.input<typeof result>, showAudit(entries));
      return 0;
    } finally {
      await side.close();
    }
  },
};

function showAudit(entries: readonly AuditEntry[]): string {
  const rows = entries.map((one) => [
    `${one.at.slice(0, 19)}Z`,
    one.actor ?? one.role,
    one.outcome === 'failed' ? `failed${one.error === null ? '' : ` (${one.error})`}` : (one.outcome ?? '-'),
    `${one.what} ${one.arguments ?? Object.values(one.detail).map(String).join(' ')}`.trimEnd(),
  ]);
  return alignColumns([['WHEN', 'WHO', 'OUTCOME', 'WHAT'], ...rows]);
}
