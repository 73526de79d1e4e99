// Named places where a test may make the process exit, throw, hang or wait. Inert unless armed, by the environment
// MILLRACE_FAILPOINTS="capture.published=exit@3;replay.applied=throw;x=hang;y=delay:500" or by armFailpoints.
import { codes, MillraceError } from '@millrace/errors';
import { logger } from '@millrace/telemetry';

interface Action {
  readonly kind: 'exit' | 'throw' | 'hang' | 'delay';
  readonly delayMs: number;
  readonly pass: number | undefined;
  passes: number;
}

const registered = new Set<string>();
let environmentFault: unknown;
let armed: Map<string, Action> | undefined = fromEnvironment();

/**
 * Registers names at module load, so that a misspelt one in the environment is reported. Returns them unchanged:
 * `const [read, published] = defineFailpoints('capture.read', 'capture.published')`.
 */
export function defineFailpoints<const N extends readonly string[]>(...names: N): N {
  for (const name of names) registered.add(name);
  return names;
}

/** Throws USAGE when MILLRACE_FAILPOINTS cannot be read; warns of names that no loaded module has. */
export function checkFailpoints(): void {
  if (environmentFault !== undefined) throw environmentFault;
  const unknown = [...(armed?.keys() ?? [])].filter((name) => !registered.has(name));
  if (unknown.length > 0) logger('failpoint').warn({ unknown }, 'armed failpoints that this process does not have');
}

/**
 * Passes the named place: `await failpoint('capture.published')`. Returns nothing unless armed.
 * `exit` dies as by SIGKILL, `throw` throws (a passing fault), `hang` never returns, `delay:MS` waits. `@N`: at the
 * N-th pass only; without it at every pass.
 */
export function failpoint(name: string): Promise<void> | undefined {
  if (armed === undefined) return undefined;
  const action = armed.get(name);
  if (action === undefined) return undefined;
  action.passes += 1;
  if (action.pass !== undefined && action.pass !== action.passes) return undefined;
  return act(name, action);
}

/**
 * Arms failpoints in this process (replaces those armed before); returns the function that disarms them. Throws USAGE.
 * @internal for tests
 */
export function armFailpoints(text: string): () => void {
  const mine = parse(text);
  armed = mine;
  return () => {
    if (armed === mine) armed = undefined;
  };
}

async function act(name: string, { kind, delayMs }: Action): Promise<void> {
  logger('failpoint').warn({ failpoint: name, kind }, 'failpoint hit');
  if (kind === 'exit') process.kill(process.pid, 'SIGKILL');
  if (kind === 'throw') throw new MillraceError(codes.TIMEOUT, `failpoint ${name} was armed to throw`);
  if (kind === 'delay') await new Promise((resolve) => setTimeout(resolve, delayMs));
  else await new Promise(() => {});
}

function parse(text: string): Map<string, Action> | undefined {
  const actions = new Map<string, Action>();
  for (const part of text
    .split(';')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')) {
    const match = /^([\w.:-]+)=(exit|throw|hang|delay:(\d+))(?:@([1-9]\d*))?$/.exec(part);
    if (match === null) {
      throw new MillraceError(codes.USAGE, `${JSON.stringify(part)} is not a failpoint`, {
        advice: 'write name=exit, name=throw, name=hang or name=delay:MILLISECONDS, with @N for the N-th pass only',
      });
    }
    const [, name = '', action = '', delay = '0', pass] = match;
    const kind = action.split(':', 1)[0] as Action['kind'];
    actions.set(name, { kind, delayMs: Number(delay), pass: pass === undefined ? undefined : Number(pass), passes: 0 });
  }
  return actions.size === 0 ? undefined : actions;
}

function fromEnvironment(): Map<string, Action> | undefined {
  try {
    return parse(process.env['MILLRACE_FAILPOINTS'] ?? '');
  } catch (error) {
    // Importing a module must not throw; whoever runs the process calls checkFailpoints.
    environmentFault = error;
    return undefined;
  }
}
