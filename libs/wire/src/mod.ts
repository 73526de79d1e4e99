export { copyKey, isNoteFor, isReportKey, reportKey, startKey } from './bucket-keys.ts';
export { decodeJson } from './decode-json.ts';
export { decodeMessage, encodeMessage, type Message, sha256Hex } from './frame.ts';
export { type BusRole, inboxPrefix } from './inboxes.ts';
export {
  type BatchHeader,
  type BatchPrev,
  type BatchSeen,
  type CopyHeader,
  type Pulse,
  pulse,
  type Report,
  report,
  type Section,
  type SequenceValue,
  sequenceValue,
  type TickNotice,
  wireVersion,
} from './messages-v1.ts';
export { type CopyNote, copyNote, type StartNote, startNote } from './notes-v1.ts';
export {
  backfillSubject,
  batchSubject,
  bucketName,
  copyStreamName,
  copySubject,
  pulseSubject,
  streamName,
  tickSubject,
} from './subjects.ts';
