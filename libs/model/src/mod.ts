export { busToken, parseTableName, sameTable, tableKey, tableLabel, type TableName } from './names.ts';
export { isSameTick, safeInteger, type Position, type Tick } from './positions.ts';
export { type Op, ops } from './change.ts';
export { canMove, tableStates, transitions, type TableState } from './table-state.ts';
