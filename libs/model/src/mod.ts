export type { Op } from './change.ts';
export { type ColumnSource, parseSource, type SourceColumn, splitColumns } from './column-source.ts';
export { busToken, parseTableName, sameTable, type TableName, tableKey, tableLabel } from './names.ts';
export { isSameTick, type Position, safeInteger, type Tick } from './positions.ts';
export { type TableState, tableStates, transitions } from './table-state.ts';
export { isWider, keepsText, type PlainType, type TypeFit, typeFit } from './type-fit.ts';
