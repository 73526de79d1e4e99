export { addSequences } from './add-sequences.ts';
export { carryOut } from './carry-out.ts';
export { planAddition } from './plan/plan-addition.ts';
export { readAddition } from './read-facts.ts';
