import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseBusUrl } from './bus-url.ts';

const operations = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

test('every bus URL that the documentation shows is accepted', () => {
  const urls = [...operations.matchAll(/`((?:nats|tls):\/\/[^`]+)`/g)].map((match) => match[1] ?? '');
  expect(urls.length).toBeGreaterThan(3);
  for (const url of urls) expect(() => parseBusUrl(url)).not.toThrow();
});
