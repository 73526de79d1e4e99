// What the tests of applying share: table t, row changes of it, and subscribers that are closed when a test ends.
import { createDatabase } from '@millrace/testkit';
import { afterEach, beforeEach } from 'vitest';
import type { TestSection } from './test-batches.ts';
import { TestSubscriber, type TestSubscriberOptions } from './test-subscriber.ts';

export const t = { schema: 'public', name: 't' };
export const columns = ['id', 'u', 'v'];
export const key = ['id'];

export const change = (...records: string[]): TestSection => ({ table: t, form: 'change', columns, key, records });
export const insert = (...records: string[]): TestSection => ({ table: t, form: 'insert', columns, key, records });
export const gone = (...records: string[]): TestSection => ({ table: t, form: 'change', columns: key, key, records });

/** Both ways of row changes into a table. */
export const ways = [
  ['as few rows', { maxFewRows: 1000 }],
  ['through staging', { maxFewRows: -1 }],
] as const;

export interface SubscriberFixture {
  /** Superuser URL of the test's database. */
  readonly url: string;
  open(options?: TestSubscriberOptions): Promise<TestSubscriber>;
}

/** An empty database for each test of the file. */
export function useSubscribers(): SubscriberFixture {
  const opened: TestSubscriber[] = [];
  let url = '';
  beforeEach(async () => {
    url = (await createDatabase({ major: 15 })).url;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((subscriber) => subscriber.close()));
  });
  return {
    get url() {
      return url;
    },
    async open(options = {}) {
      const subscriber = await TestSubscriber.open(url, options);
      opened.push(subscriber);
      return subscriber;
    },
  };
}
