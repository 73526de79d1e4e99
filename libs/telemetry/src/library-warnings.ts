// Warnings of libraries and of Node itself. Node would print them whole, and they may quote what a library was given: a line
// of the configuration, a password.

/** Has `report` get a warning's name and code, and its text only with MILLRACE_DEBUG. Call it before anything else. */
export function takeWarnings(report: (text: string) => void): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning: Error & { code?: string }) => {
    const { name, code, message } = warning;
    const what = code === undefined ? name : `${name} ${code}`;
    report(`a library warns: ${process.env['MILLRACE_DEBUG'] === undefined ? what : `${what}: ${message}`}`);
  });
}
