export { type ComparisonRun, chooseTables, runComparison } from './comparison-run.ts';
