import { waitFor } from '@millrace/testkit';
import { expect } from 'vitest';
import type { Site } from './site.ts';

/** The sentence that `status` shows for a subscriber; empty when there is none. */
export async function errorOf(site: Site, name: string): Promise<string> {
  const subscriber = (await site.status()).subscribers.find((one) => one.name === name);
  const error = subscriber?.error;
  return error === null || error === undefined ? '' : typeof error === 'string' ? error : error.message;
}

/** Waits until `status` says that the subscriber has stopped, and checks that the sentence names what is missing. */
export async function expectStopped(site: Site, name: string, words: readonly (string | RegExp)[]): Promise<void> {
  await waitFor(
    `${name} says that it has stopped`,
    async () => (await site.status()).subscribers.find((one) => one.name === name)?.state === 'stopped',
    { timeoutMs: 30_000, everyMs: 200 },
  );
  const sentence = await errorOf(site, name);
  for (const word of words) expect(sentence).toMatch(word);
  expect((await site.command(['status'])).code).toBe(1);
}
