export {
  type ApplySession,
  becomeReplica,
  beginSql,
  commit,
  mayBeReplica,
  openApplySession,
  planForManyRows,
  replicaAdvice,
  rollBack,
} from './apply-session.ts';
export { endWithSignal, openBoundSession, type SessionBound } from './bound-session.ts';
export {
  orderByReferences,
  readTarget,
  readVersion,
  type TargetColumn,
  type TargetIndex,
  type TargetTable,
} from './catalog.ts';
export {
  onWish,
  type ReplayState,
  readControl,
  recordRefused,
  setPaused,
  writeAudit,
  writeReplayReport,
} from './control.ts';
export {
  type CopyPart,
  dropStage,
  dropStrayStages,
  makeStage,
  notePart,
  readStaged,
  type StagedCopy,
  stageOf,
} from './copy-stage.ts';
export { endHold, type Hold, isHeld, listHolds, wishHold } from './holds.ts';
export { installSubscriber, isSubscriberInstalled, requireInstalled, uninstallSubscriber } from './install.ts';
export {
  type ReplayOverview,
  type ReplayStanding,
  readReplayStanding,
  readSubscriberOverview,
  type SubscriberOverview,
  type TableOverview,
} from './overview.ts';
export { dropPending, type PendingPiece, readPending, storePending } from './pending.ts';
export {
  type BusHint,
  type Control,
  dropPosition,
  holdPosition,
  initPosition,
  type Move,
  movedGeneration,
  movePositionSql,
  movePositionValues,
  readPosition,
  type StoredPosition,
} from './position.ts';
export {
  forgetFormerTypes,
  readSourceColumns,
  type SourceColumnRecord,
  writeSourceColumns,
} from './source-columns.ts';
export { type ForeignKeyQuestion, subscriberChecks } from './subscriber-checks.ts';
export {
  addSequence,
  addTable,
  listSequences,
  listTables,
  moveTable,
  noteTable,
  removeSequence,
  removeTable,
  type SubscribedTable,
  setCopy,
  setSequenceQuery,
  type TableMove,
} from './tables.ts';
export { waitForToken } from './tokens.ts';
