export { copyKey, isNoteFor, isReportKey, reportKey, startKey } from './bucket-keys.ts';
export { encodeMessage, type Message, readMessage, sha256Hex, signMessage } from './frame.ts';
export { type BusRole, inboxPrefix } from './inboxes.ts';
export { type Installation, installationMark, refuseOtherInstallation } from './installation.ts';
export { type Author, Keyring } from './keyring.ts';
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
  tickNotice,
  wireVersion,
} from './messages-v1.ts';
export { type CopyNote, copyNote, type StartNote, startNote } from './notes-v1.ts';
export { readJson, signJson } from './signed-json.ts';
export {
  backfillSubject,
  batchSubject,
  bucketName,
  bucketSubject,
  copyStreamName,
  copySubject,
  pulseSubject,
  streamName,
  tickSubject,
} from './subjects.ts';
