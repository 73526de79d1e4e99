import { createDatabase, silentProxy } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { Side } from './side.ts';

test('a side whose server has stopped to answer is closed in bounded time', async () => {
  const { url } = await createDatabase({ major: 18 });
  const quiet = await silentProxy(url);
  const side = await Side.open(quiet.url, 'the provider');
  quiet.fallSilent();
  const began = performance.now();
  await side.close();
  expect(performance.now() - began).toBeLessThan(3_000);
  quiet.close();
});
