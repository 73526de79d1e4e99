export { distinctTables } from './named.ts';
export { type Refusal, refuseOn } from './refusals.ts';
