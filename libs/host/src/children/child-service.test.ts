import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, makeScratchDir } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { ChildService } from './child-service.ts';

function childOf(program: string): { child: ChildService; lines: string[]; ends: string[] } {
  const file = join(makeScratchDir('child'), 'program.mjs');
  writeFileSync(file, program);
  const lines: string[] = [];
  const ends: string[] = [];
  const child = new ChildService({
    name: 'program',
    program: file,
    args: ['--x'],
    onLine: (line) => void lines.push(line),
    onEnded: (how) => void ends.push(how),
  });
  onTestFinished(() => child.stop());
  return { child, lines, ends };
}

test('a process that ends, however it ends, is started again', async () => {
  const { child, lines, ends } = childOf(
    'console.log("up", process.argv.at(-1)); console.error("both"); setInterval(() => {}, 1000)',
  );
  child.start();
  await eventually(() => lines.includes('up --x') && lines.includes('both'));
  process.kill(child.pid ?? 0, 'SIGKILL');
  await eventually(() => child.starts === 2 && lines.filter((line) => line === 'up --x').length === 2);
  expect(ends).toEqual(['was ended by SIGKILL']);
});

test('one that cannot run is tried again with growing pauses', async () => {
  const { child, ends } = childOf('process.exit(3)');
  const begin = performance.now();
  child.start();
  await eventually(() => child.starts === 4);
  expect(ends.slice(0, 3)).toEqual(Array(3).fill('ended with code 3'));
  expect(performance.now() - begin).toBeGreaterThan(100 + 200 + 400);
});

test('stopping waits for the end, also of one that is frozen, and nothing is started afterwards', async () => {
  const { child, lines } = childOf(
    'process.on("SIGTERM", () => { console.log("bye"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000)',
  );
  child.start();
  await eventually(() => lines.includes('up'));
  process.kill(child.pid ?? 0, 'SIGSTOP');
  await child.stop();
  await child.stop();
  expect(child.pid).toBeUndefined();
  expect(lines).toEqual(['up', 'bye']);
  expect(child.starts).toBe(1);
});
