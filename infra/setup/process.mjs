import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and gives {code, output}; output is standard output and error together. With `quiet` false
 * the person sees it instead.
 */
export function run(file, args, { cwd, env = process.env, quiet = true } = {}) {
  return new Promise((resolve) => {
    const stdio = ['ignore', quiet ? 'pipe' : process.stderr, quiet ? 'pipe' : process.stderr];
    const child = spawn(file, args, { cwd, env, stdio });
    let output = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (output += data));
    child.once('error', (error) => resolve({ code: 127, output: String(error.message) }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * Runs the command that set-up was for, on our terminal; resolves with its exit code, or ends us by the signal that
 * ended it. A terminal sends Ctrl-C to the whole group, so that one is passed on only when there is no terminal.
 */
export function runInForeground(file, args, { cwd, env }) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: 'inherit' });
    const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      const handler = () => {
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
      };
      process.on(signal, handler);
      return [signal, handler];
    });
    const finish = () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    };
    child.once('error', (error) => {
      finish();
      process.stderr.write(`${error.message}\n`);
      resolve(127);
    });
    child.once('exit', (code, signal) => {
      finish();
      if (signal === null) resolve(code ?? 1);
      else process.kill(process.pid, signal);
    });
  });
}
