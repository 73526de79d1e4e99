// Loaded into every process that `up` starts, before its own program: when the supervisor is gone, however it went,
// the pipe that is our standard input closes, and we end.
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
