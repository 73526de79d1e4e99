// Loaded into every process that `up` starts, before its own program: when the supervisor has ended, however it ended,
// the pipe that is this process's standard input closes, and the process ends.
if (process.env['MILLRACE_SUPERVISED'] !== undefined) {
  const end = (): void => {
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.exit(1), 5_000).unref();
  };
  process.stdin.once('end', end);
  process.stdin.once('error', end);
  process.stdin.resume();
  // Listening must not keep a finished process alive.
  (process.stdin as unknown as { unref?: () => void }).unref?.();
}
