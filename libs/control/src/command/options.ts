import type { OptionSpec } from './command.ts';

/** The option of the commands that work with several subscribers. */
export const subscriberOption: Readonly<Record<'subscriber', OptionSpec>> = {
  subscriber: { type: 'string', multiple: true, value: 'NAME', help: 'only these subscribers; default: all' },
};
