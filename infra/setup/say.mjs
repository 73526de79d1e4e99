/** One line for the person who waits; standard output belongs to the command that is run. */
export function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/** A fault that a person can do something about: shown as one line, without a stack. */
export class SetupError extends Error {}
