export { addSequences } from './add-sequences.ts';
export { addTable } from './add-tables.ts';
