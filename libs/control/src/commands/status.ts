import type { Command } from '../command/command.ts';
import { driftOf } from '../doctor/examine.ts';
import { gather } from '../status/gather.ts';
import { showStatus } from '../status/show-status.ts';
import { statusOf } from '../status/status.ts';
import { statusDocument } from '../status/status-document.ts';

export const status: Command = {
  name: 'status',
  summary: 'Show every subscriber with its position and lag, every table with its state, and what is wrong.',
  usage: '[--json]',
  example: 'millrace status --json',
  more: 'Exit code 1 when something is stopped or cannot be reached. Warnings of the doctor do not count.',
  options: {},
  words: [0, 0],
  effect: 'reads',
  api: { result: statusDocument },
  run: async (context) => {
    const config = await context.config();
    const [gathered, warnings] = await Promise.all([gather(config), driftOf(config)]);
    const found = statusOf(gathered, new Date(), warnings);
    context.result(found, showStatus(found));
    return found.ok ? 0 : 1;
  },
};
