import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandPlan {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds, default 120,000; then it is killed and the call throws. */
  readonly timeoutMs?: number;
  /** What it finds on stdin; default: nothing. */
  readonly input?: string;
}

/** Runs a program to its end. */
export async function runCommand(plan: CommandPlan): Promise<CommandResult> {
  const child = spawn(plan.file, [...plan.args], { cwd: plan.cwd, env: plan.env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}).end(plan.input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${plan.args.join(' ')} did not end\n${stdout}\n${stderr}`));
    }, plan.timeoutMs ?? 120_000);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}
