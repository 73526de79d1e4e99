import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { codes, MillraceError } from '@millrace/errors';
import { expect, test, vi } from 'vitest';
import { startStopStress } from '../test/start-stop-stress.ts';
import { Backoff } from './backoff.ts';
import { armFailpoints, defineFailpoints, failpoint } from './failpoints.ts';
import { leadOrStandby } from './leadership.ts';
import { pause } from './pause.ts';
import { RunLoop } from './run-loop.ts';
import { notReady, readyReport, type Service } from './service.ts';
import { ServiceGroup } from './service-group.ts';

const quick = { minMs: 1, maxMs: 4 };
const soon = { timeout: 5_000, interval: 2 };

function idle(): Service {
  return new RunLoop({ name: 'idle', runOnce: async () => {}, idleMs: 60_000 });
}

test('a loop survives starting and stopping in any order', async () => {
  await startStopStress(idle);
});

test('a group survives starting and stopping in any order', async () => {
  await startStopStress(() => new ServiceGroup([idle(), idle()]));
});

test('a leadership survives starting and stopping in any order', async () => {
  await startStopStress(() =>
    leadOrStandby({ name: 'l', tryLead: async () => lease(), work: () => idle(), pollMs: 1 }),
  );
});

test('the stress test finds a service whose stop is forgotten when it comes during start', async () => {
  await expect(startStopStress(() => new Forgetful())).rejects.toThrow('stopped, yet says it is ready');
});

/** A loop whose passes heed no signal: only closing what they wait for ends them. */
function deaf(graceMs: number) {
  let hangUp: (() => void) | undefined;
  const aborts: number[] = [];
  const loop = new RunLoop({
    name: 'deaf',
    runOnce: () => new Promise((_resolve, reject) => (hangUp = () => reject(new Error('hung up')))),
    lastPass: {
      graceMs,
      abort: () => {
        aborts.push(performance.now());
        hangUp?.();
        throw new Error('ignored');
      },
    },
  });
  return { loop, aborts, answer: () => hangUp?.() };
}

test('a loop whose last pass must be aborted survives starting and stopping in any order', async () => {
  await startStopStress(() => deaf(1).loop);
});

test('a last pass that ends in time is not aborted', async () => {
  const { loop, aborts, answer } = deaf(60_000);
  await loop.start();
  await vi.waitFor(() => expect(loop.state).toBeDefined(), soon);
  const stopping = loop.stop();
  await new Promise((resolve) => setImmediate(resolve));
  answer();
  await stopping;
  expect(aborts).toEqual([]);
});

test('a pause ends by its time, an abort or a wake, and leaves no listener', async () => {
  const stop = new AbortController();
  const listeners = new Set<() => void>();
  const wakeOn = (end: () => void) => {
    listeners.add(end);
    return () => listeners.delete(end);
  };
  await pause(1, { signal: stop.signal, wakeOn });
  const woken = pause(60_000, { signal: stop.signal, wakeOn });
  for (const end of listeners) end();
  await woken;
  const aborted = pause(60_000, { signal: stop.signal, wakeOn });
  stop.abort();
  await aborted;
  await pause(60_000, { signal: stop.signal, wakeOn });
  expect(listeners.size).toBe(0);
});

test('a stopped loop starts again only after the pass before has ended', async () => {
  let inside = 0;
  let maxInside = 0;
  const loop = new RunLoop({
    name: 'l',
    idleMs: 0,
    runOnce: async () => {
      maxInside = Math.max(maxInside, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 3));
      inside -= 1;
    },
  });
  for (let i = 0; i < 10; i++) {
    await loop.start();
    void loop.stop();
  }
  await loop.stop();
  expect(maxInside).toBe(1);
});

test('a wake ends the sleep, also one that has not begun', async () => {
  let passes = 0;
  const loop: RunLoop = new RunLoop({
    name: 'l',
    idleMs: 60_000,
    runOnce: async () => {
      passes += 1;
      if (passes === 1) loop.wake();
    },
  });
  await loop.start();
  await vi.waitFor(() => expect(passes).toBe(2), soon);
  loop.wake();
  await vi.waitFor(() => expect(passes).toBe(3), soon);
  await loop.stop();
});

test('a failing loop is not ready, says why, and is ready again after it has healed', async () => {
  let isDown = true;
  const failures: unknown[] = [];
  const loop = new RunLoop({
    name: 'l',
    backoff: quick,
    idleMs: 1,
    onFailed: (error) => void failures.push(error),
    runOnce: async () => {
      if (isDown) throw new MillraceError(codes.DATABASE_UNREACHABLE, 'cannot reach h:1/d');
    },
  });
  await loop.start();
  await vi.waitFor(() => expect(failures.length).toBeGreaterThan(2), soon);
  expect(loop.ready()).toEqual(notReady('l: cannot reach h:1/d'));
  isDown = false;
  await vi.waitFor(() => expect(loop.ready().ok).toBe(true), soon);
  await loop.stop();
  expect(loop.ready().ok).toBe(false);
});

test('a wake does not shorten a back-off', async () => {
  let passes = 0;
  const loop = new RunLoop({
    name: 'l',
    backoff: { minMs: 60_000, maxMs: 60_000 },
    runOnce: async () => {
      passes += 1;
      throw new MillraceError(codes.BUS_UNAVAILABLE, 'no bus');
    },
  });
  await loop.start();
  await vi.waitFor(() => expect(loop.state?.fault).toBeDefined(), soon);
  for (let i = 0; i < 20; i++) {
    loop.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await loop.stop();
  expect(passes).toBe(1);
});

test('a fault that comes from the stop itself is no fault', async () => {
  const loop = new RunLoop({
    name: 'l',
    runOnce: (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
  });
  await loop.start();
  await loop.stop();
  expect(loop.state?.fault).toBeUndefined();
});

test('delays double up to their bound and never leave it', () => {
  const backoff = new Backoff({ minMs: 100, maxMs: 5_000 });
  const delays = Array.from({ length: 60 }, () => backoff.next());
  expect(delays[0]).toBeLessThanOrEqual(100);
  expect(Math.max(...delays)).toBeLessThanOrEqual(5_000);
  expect(Math.min(...delays.slice(10))).toBeGreaterThanOrEqual(2_500);
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(100);
});

test('one instance leads, the other stands by and takes over when the lease is lost', async () => {
  const lock = new Lock();
  const led: string[] = [];
  const instance = (name: string) =>
    leadOrStandby({
      name,
      pollMs: 2,
      tryLead: async () => lock.take(),
      work: () => new RunLoop({ name, idleMs: 1, runOnce: async () => void led.push(name) }),
    });
  const [a, b] = [instance('a'), instance('b')];
  await a.start();
  await vi.waitFor(() => expect(a.ready()).toMatchObject({ ok: true, role: 'leader' }), soon);
  await b.start();
  await vi.waitFor(() => expect(b.ready()).toMatchObject({ ok: true, role: 'standby' }), soon);
  expect(led).not.toContain('b');
  lock.breakSession(true);
  await vi.waitFor(() => expect([a.ready().role, b.ready().role].toSorted()).toEqual(['leader', 'standby']), soon);
  await a.stop();
  await vi.waitFor(() => expect(b.ready()).toMatchObject({ ok: true, role: 'leader' }), soon);
  await b.stop();
  expect(led).toContain('b');
  expect(lock.holder).toBeUndefined();
});

test('a leadership whose granter is down is not ready', async () => {
  const service = leadOrStandby({
    name: 'l',
    tryLead: async () => {
      throw new MillraceError(codes.DATABASE_UNREACHABLE, 'cannot reach h:1/d');
    },
    work: () => idle(),
  });
  await service.start();
  await vi.waitFor(() => expect(service.ready().reasons).toEqual(['l: cannot reach h:1/d']), soon);
  await service.stop();
});

test('a failpoint is inert until armed, and acts at the named pass', async () => {
  const [point] = defineFailpoints('test.point');
  expect(failpoint(point)).toBeUndefined();
  expect(point).toBe('test.point');
  const disarm = armFailpoints('test.point=throw@2; other=delay:5');
  expect(failpoint(point)).toBeUndefined();
  await expect(failpoint(point)).rejects.toThrow('test.point');
  expect(failpoint(point)).toBeUndefined();
  await failpoint('other');
  disarm();
  expect(failpoint('other')).toBeUndefined();
  expect(() => armFailpoints('x=explode')).toThrow('is not a failpoint');
});

const head = `import { RunLoop, runUntilSignalled, failpoint, runMain } from ${JSON.stringify(import.meta.resolve('./mod.ts'))};`;

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends a process gracefully with exit code 0', async (signal) => {
  const child = run(`runUntilSignalled(new RunLoop({ name: 'l', idleMs: 60000, runOnce: async () => console.log('up'),
    onStopped: () => console.log('down') }));`);
  await child.said('up');
  child.process.kill(signal);
  expect(await child.exit).toBe(0);
  expect(child.output()).toContain('down');
});

test('a second signal ends a process that hangs while stopping', async () => {
  const child = run(`runUntilSignalled({ start: async () => console.log('up'), ready: () => ({ ok: true, reasons: [] }),
    stop: () => { console.log('hangs'); return new Promise(() => {}); } });`);
  await child.said('up');
  child.process.kill('SIGTERM');
  await child.said('hangs');
  // What comes right behind the first one is its echo and does not count, so it is repeated until one does.
  const again = setInterval(() => child.process.kill('SIGTERM'), 20);
  expect(await child.exit.finally(() => clearInterval(again))).toBe(143);
});

test('a signal and its echo are one', async () => {
  // The process's clock stands still: on a busy machine the second signal may come long after the first.
  const child = run(`performance.now = () => 0;
    runUntilSignalled({ start: async () => console.log('up'), ready: () => ({ ok: true, reasons: [] }),
      stop: async () => { const echo = new Promise((done) => process.once('SIGTERM', done));
        process.kill(process.pid, 'SIGTERM'); await echo; console.log('down'); } });`);
  await child.said('up');
  child.process.kill('SIGTERM');
  expect(await child.exit).toBe(0);
  expect(child.output()).toContain('down');
});

test('a stop that takes too long ends with exit code 1', async () => {
  const child = run(`runUntilSignalled({ start: async () => console.log('up'), ready: () => ({ ok: true, reasons: [] }),
    stop: () => new Promise(() => {}) }, { graceMs: 50 });`);
  await child.said('up');
  child.process.kill('SIGTERM');
  expect(await child.exit).toBe(1);
});

test.each(['Promise.reject(new Error("boom"))', 'throw new Error("boom")'])(
  'an error nobody caught (%s) is logged once, the service is stopped, exit code 1',
  async (fault) => {
    const child = run(`runUntilSignalled(new RunLoop({ name: 'l', idleMs: 60000, onStopped: () => console.log('down'),
      runOnce: async () => { setTimeout(() => { ${fault} }, 1); setTimeout(() => { ${fault} }, 1); } }));`);
    expect(await child.exit).toBe(1);
    expect(child.output().match(/"level":"fatal"/g)).toHaveLength(1);
    expect(child.output()).toContain('down');
  },
);

test('a reader that closed our output does not kill us', async () => {
  const child = run(`runUntilSignalled(new RunLoop({ name: 'l', idleMs: 1, runOnce: async () => {
    console.log('up'); process.stderr.write('x'.repeat(1000)); } }));`);
  await child.said('up');
  child.process.stdout.destroy();
  child.process.stderr.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(child.process.exitCode).toBeNull();
  child.process.kill('SIGTERM');
  expect(await child.exit).toBe(0);
});

test('an armed failpoint kills the process as SIGKILL does', async () => {
  const child = run(
    `let n = 0; runUntilSignalled(new RunLoop({ name: 'l', idleMs: 0, runOnce: async () => {
    console.log('pass ' + ++n); await failpoint('x'); } }));`,
    { MILLRACE_FAILPOINTS: 'x=exit@3' },
  );
  expect(await child.exit).toBe('SIGKILL');
  expect(child.output()).toContain('pass 3');
  expect(child.output()).not.toContain('pass 4');
});

test('failpoints that cannot be read end the process with exit code 2', async () => {
  const child = run(`runUntilSignalled(new RunLoop({ name: 'l', runOnce: async () => {} }));`, {
    MILLRACE_FAILPOINTS: 'x',
  });
  expect(await child.exit).toBe(2);
});

// Runs a script that may use the exports named in head; gathers what it says on both outputs.
function run(script: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', head + script], {
    env: { ...process.env, MILLRACE_LOG_LEVEL: 'info', ...env },
  });
  let text = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      text += part.toString();
      for (const listener of listeners) listener();
    });
  }
  const said = (wanted: string) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!text.includes(wanted)) return;
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      check();
    });
  const exit = once(child, 'exit').then(([code, signal]) => code ?? signal);
  return { process: child, said, exit, output: () => text };
}

function lease() {
  return { lost: new Promise<never>(() => {}), release: async () => {} };
}

class Lock {
  holder: object | undefined;
  breakSession: (value: unknown) => void = () => {};

  take() {
    if (this.holder !== undefined) return null;
    const holder = {};
    this.holder = holder;
    const lost = new Promise<unknown>((resolve) => (this.breakSession = resolve));
    return {
      lost,
      release: async () => {
        if (this.holder === holder) this.holder = undefined;
      },
    };
  }
}

class Forgetful implements Service {
  #up = false;

  async start() {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.#up = true;
  }

  async stop() {
    this.#up = false;
  }

  ready() {
    return this.#up ? readyReport : notReady('down');
  }
}
