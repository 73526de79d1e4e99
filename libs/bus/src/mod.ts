export { BusConnection } from './connection/bus-connection.ts';
export { parseBusUrl } from './connection/bus-url.ts';
export { type Bus, type BusOptions, connectBus } from './connection/connect.ts';
export { type BusLimits, busLimits } from './connection/limits.ts';
export { onNotice, sendNotice } from './connection/notices.ts';
export {
  type BucketChange,
  type BucketDefinition,
  type BucketValue,
  deleteBucket,
  deleteKey,
  ensureBucket,
  getKey,
  type KeyChange,
  listKeys,
  markDeleted,
  putKey,
  watchBucket,
} from './streams/bucket.ts';
export { claimBucket } from './streams/claims.ts';
export { openPublisher, type Publisher, type PublisherOptions, type Sent } from './streams/publisher.ts';
export {
  type Delivered,
  openReader,
  type Reader,
  type ReaderOptions,
  type ReadItem,
  type ResetReason,
} from './streams/reader.ts';
export { type ReaderState, readersOf } from './streams/readers.ts';
export {
  getBySequence,
  lastMessage,
  messageFrom,
  purgeSubject,
  type Stored,
} from './streams/stored.ts';
export {
  alteredSettings,
  deleteStream,
  ensureStream,
  type StreamDefinition,
  type StreamState,
  streamCopies,
  streamState,
} from './streams/streams.ts';
