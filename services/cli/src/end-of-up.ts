import { type Ending, listenForEnd } from '@millrace/lifecycle/ending';

let ending: Ending | undefined;

/** The end of `up`. The first call, before the modules of the command are loaded, begins to listen for signals. */
export function endOfUp(): Ending {
  ending ??= listenForEnd({ signals: ['SIGTERM', 'SIGINT', 'SIGHUP'] });
  return ending;
}
