import { pauseCommand } from './pause-command.ts';

export const pause = pauseCommand('pause', "Pause a subscriber's replay after its current batch.");
