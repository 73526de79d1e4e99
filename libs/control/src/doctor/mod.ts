export { driftOf } from './drift.ts';
export { examine } from './examine.ts';
export { type DoctorFinding, findingLine } from './report.ts';
