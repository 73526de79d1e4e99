import { takeToken } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { ProviderSide } from '../sides/provider-side.ts';

export const token: Command = {
  name: 'token',
  summary: 'Print a token for everything committed at the provider up to now.',
  usage: '[--json]',
  example: 'millrace token',
  more: 'In SQL: SELECT millrace.token(), which also stands for what its own transaction has changed.',
  options: {},
  words: [0, 0],
  effect: 'reads',
  api: { result: z.strictObject({ token: z.string() }), guarded: true, momentary: true },
  run: async (context) => {
    const provider = await ProviderSide.open(await context.config());
    try {
      const text = await provider.side.run(() => takeToken(provider.side.client, provider.queue));
      context.result({ token: text }, text);
      return 0;
    } finally {
      await provider.close();
    }
  },
};
