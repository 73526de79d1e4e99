import type { Command } from '../command/command.ts';
import { checkNamed, pausedResult, setPausedCommand } from '../set/set-paused.ts';

export const pause: Command = {
  name: 'pause',
  summary: "Pause a subscriber's replay after its current batch.",
  usage: 'NAME',
  example: 'millrace pause eu',
  options: {},
  words: [1, 1],
  effect: 'changes',
  api: { words: 'subscriber', result: pausedResult },
  check: checkNamed,
  run: (context, args) => setPausedCommand(context, args, true),
};
