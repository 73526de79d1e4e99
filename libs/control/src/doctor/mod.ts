export { driftOf, examine } from './examine.ts';
export { type DoctorFinding, findingLine } from './report.ts';
