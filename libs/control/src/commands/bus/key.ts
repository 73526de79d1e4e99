import { busKeys } from '@millrace/config';
import { Keyring } from '@millrace/wire';
import type { Command } from '../../command/command.ts';

/** Not over HTTP: it prints a secret. */
export const busKey: Command = {
  name: 'bus key',
  summary: "Print the bus.key for the host of one subscriber: it signs that subscriber's reports and nobody else's.",
  usage: 'NAME',
  example: 'millrace bus key eu',
  more:
    'Made from bus.key of this configuration, a line for each of its keys, newest first; the same again each time. Connects\n' +
    'to nothing. What it prints is a secret.',
  options: {},
  words: [1, 1],
  effect: 'reads',
  run: async (context, args) => {
    const config = await context.config();
    const [subscriber = ''] = args.words;
    const keys = new Keyring(config.queue, busKeys(config)).hostKeys(subscriber);
    context.result({ subscriber, keys }, keys.join('\n'));
    return 0;
  },
};
