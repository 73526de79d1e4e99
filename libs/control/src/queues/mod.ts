export { parseSetting } from './parameters.ts';
