/** Tells the person who runs the tests what was measured; a test's result does not depend on it. */
export function report(what: string, measured: unknown): void {
  process.stderr.write(`${what}: ${JSON.stringify(measured)}\n`);
}
