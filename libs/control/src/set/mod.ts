export { addSequences } from './add-sequences.ts';
export { addTable } from './add-tables.ts';
export { userTables } from './create-table.ts';
