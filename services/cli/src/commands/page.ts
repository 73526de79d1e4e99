import type { Command } from '@millrace/control';
import { linkToPage } from '@millrace/host';

export const page: Command = {
  name: 'page',
  summary: 'Print a link that opens the page of admin, once and within ten minutes.',
  usage: '[--json]',
  example: 'millrace page',
  more: 'For the account that runs admin, or whoever can read http.token of the configuration.',
  options: {},
  words: [0, 0],
  effect: 'reads',
  run: async (context) => {
    const link = linkToPage(await context.config());
    context.result({ link }, link);
    return 0;
  },
};
