import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { takeWarnings } from './library-warnings.ts';

test('a warning of a library is named, without what it quotes', async () => {
  const before = process.listeners('warning');
  onTestFinished(() => {
    process.removeAllListeners('warning');
    for (const listener of before) process.on('warning', listener);
    vi.unstubAllEnvs();
  });
  vi.stubEnv('MILLRACE_DEBUG', undefined);
  const lines: string[] = [];
  takeWarnings((text) => lines.push(text));
  process.emitWarning('Keys with collection values: { url: postgresql://u:secret@h }');
  process.emitWarning('old: secret', { type: 'DeprecationWarning', code: 'DEP0000' });
  await setImmediate();
  expect(lines).toEqual(['a library warns: Warning', 'a library warns: DeprecationWarning DEP0000']);
});
