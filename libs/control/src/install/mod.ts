export { installParts } from './install-parts.ts';
