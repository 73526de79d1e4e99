/** MILLRACE_TEST_SCALE=full runs the long tests at their full size, else they have about a tenth of it. */
const isFull = process.env['MILLRACE_TEST_SCALE'] === 'full';

/** A size of a long test: a tenth of the full one unless the run is a full one, or what is given instead. */
export function scaled(full: number, usual = Math.ceil(full / 10)): number {
  return isFull ? full : usual;
}

/** A size for a title: 2,000,000. */
export function figure(size: number): string {
  return size.toLocaleString('en');
}
