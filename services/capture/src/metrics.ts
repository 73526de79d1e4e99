import { counter, gauge, histogram } from '@millrace/telemetry';

export const batchesPublished = counter('millrace_capture_batches', 'Batches published; line: main or backfill');
export const linesPublished = counter('millrace_capture_lines', 'Row changes published');
export const bytesPublished = counter('millrace_capture_bytes', 'Bytes of row changes published');
export const publishSeconds = histogram(
  'millrace_capture_publish_seconds',
  'From the tick to the batch being stored on the bus',
);
export const readSeconds = histogram('millrace_capture_read_seconds', 'Reading, regrouping and sending one batch');
export const queueTicks = gauge('millrace_capture_queue_ticks', 'Ticks read and not yet published');
export const backfills = counter('millrace_capture_backfills', 'Backfills begun');
export const badMessages = counter(
  'millrace_capture_bad_messages',
  'Messages on the bus that belong to other programs or are damaged',
);
export const foreignMessages = counter(
  'millrace_capture_foreign_messages',
  'Messages on the bus that were set aside because they are not signed with our key',
);
export const setAsideEvents = counter(
  'millrace_capture_set_aside_events',
  'Events in the queue that could not be read and were set aside',
);
export const ignoredEvents = counter('millrace_capture_ignored_events', 'Events in the queue that are not row changes');
export const reopenings = counter(
  'millrace_capture_reopenings',
  'Times the stream was opened again to find the cursor',
);
export const copies = counter('millrace_capture_copies', 'Attempts at copying a table');
export const copyBytes = counter('millrace_capture_copy_bytes', 'Bytes of copies published');
