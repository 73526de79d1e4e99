import type { Command } from '../command/command.ts';
import { subscriberOption } from '../command/options.ts';
import { examine } from '../doctor/examine.ts';
import { doctorDocument, showReport } from '../doctor/report.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Find everything that prevents replication or may do so later, with a one-line fix for each.',
  usage: '[--json] [--subscriber NAME…]',
  example: 'millrace doctor --subscriber eu',
  more:
    'Changes nothing. Checks what this configuration can reach, and says what it could not check. Exit code 1 when there\n' +
    'is an error. A fix in SQL is for the side that the finding names.',
  options: { ...subscriberOption },
  words: [0, 0],
  effect: 'reads',
  api: { result: doctorDocument, guarded: true },
  run: async (context, args) => {
    const report = await examine(await context.config(), { subscribers: args.values('subscriber') });
    context.result(report, showReport(report));
    return report.ok ? 0 : 1;
  },
};
