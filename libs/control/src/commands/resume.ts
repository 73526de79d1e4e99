import type { Command } from '../command/command.ts';
import { checkNamed, pausedResult, setPausedCommand } from '../set/set-paused.ts';

export const resume: Command = {
  name: 'resume',
  summary: "Resume a subscriber's replay.",
  usage: 'NAME',
  example: 'millrace resume eu',
  options: {},
  words: [1, 1],
  effect: 'changes',
  api: { words: 'subscriber', result: pausedResult },
  check: checkNamed,
  run: (context, args) => setPausedCommand(context, args, false),
};
