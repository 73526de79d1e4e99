import { pauseCommand } from './pause-command.ts';

export const resume = pauseCommand('resume', "Resume a subscriber's replay.");
