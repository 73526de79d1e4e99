export { postgresTool } from '../src/binaries.ts';
