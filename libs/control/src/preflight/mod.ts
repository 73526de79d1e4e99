export { type Candidate, checkProviderTable } from './check-provider-table.ts';
export { type Finding, refuseOn } from './findings.ts';
