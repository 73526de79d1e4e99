export {
  type BucketChange,
  type BucketDefinition,
  deleteBucket,
  deleteKey,
  ensureBucket,
  getKey,
  listKeys,
  putKey,
  watchBucket,
} from './bucket.ts';
export { BusConnection } from './bus-connection.ts';
export { type Bus, type BusOptions, connectBus } from './connect.ts';
export { type BusLimits, busLimits } from './limits.ts';
export { onNotice, sendNotice } from './notices.ts';
export { openPublisher, type Publisher, type PublisherOptions, type Sent } from './publisher.ts';
export {
  type Delivered,
  openReader,
  type Reader,
  type ReaderOptions,
  type ReadItem,
  type ResetReason,
} from './reader.ts';
export { type ReaderState, readersOf } from './readers.ts';
export {
  firstMessage,
  getBySequence,
  lastMessage,
  messageFrom,
  purgeSubject,
  type Stored,
} from './stored.ts';
export {
  alteredSettings,
  deleteStream,
  ensureStream,
  type StreamDefinition,
  type StreamState,
  streamState,
} from './streams.ts';
