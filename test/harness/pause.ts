import { setTimeout as delay } from 'node:timers/promises';

/** Sleeps as part of a plan (a pace, a hold), never as a guess that something is done. */
export async function pause(ms: number): Promise<void> {
  await delay(ms);
}
