export { installSubscriber, requireInstalled, uninstallSubscriber } from './install.ts';
export {
  type BusHint,
  type Control,
  dropPosition,
  holdPosition,
  initPosition,
  listPositions,
  type Move,
  movedGeneration,
  movePosition,
  movePositionSql,
  movePositionValues,
  readPosition,
  replacePosition,
  type StoredPosition,
} from './position.ts';
export { readControl, readReplayReport, recordRefused, type ReplayState, setPaused, writeAudit, writeReplayReport } from './control.ts';
export {
  addSequence,
  addTable,
  listSequences,
  listTables,
  moveTable,
  noteTable,
  removeSequence,
  removeTable,
  setCopy,
  type SubscribedTable,
  type TableMove,
} from './tables.ts';
export { dropPending, keepPending, type PendingPiece, readPending } from './pending.ts';
export { orderByReferences, readTarget, type TargetColumn, type TargetIndex, type TargetTable } from './catalog.ts';
