import { busToken } from '@millrace/model';

// Names of streams, buckets and subjects. Each takes the queue's name as the operator knows it; `busToken` keeps different names apart.

/** The stream that holds batches and backfills. */
export const streamName = (queue: string): string => `millrace_${busToken(queue)}`;

/** The stream that holds the table copies in progress. */
export const copyStreamName = (queue: string): string => `millrace_copy_${busToken(queue)}`;

/** The key-value bucket of the subscribers' reports; for keys see bucket-keys.ts. */
export const bucketName = (queue: string): string => `millrace_${busToken(queue)}`;

/** The subject that NATS gives a key of that bucket. */
export const bucketSubject = (queue: string, key: string): string => `$KV.${bucketName(queue)}.${key}`;

/** Batches for every subscriber. */
export const batchSubject = (queue: string): string => `millrace.${busToken(queue)}.batch`;

/** Batches published again for one subscriber that lacks them. */
export const backfillSubject = (queue: string, subscriber: string): string =>
  `millrace.${busToken(queue)}.backfill.${busToken(subscriber)}`;

/** One table copy, for all subscribers that requested it. */
export const copySubject = (queue: string, copyId: number): string => `millrace.${busToken(queue)}.copy.${copyId}`;

/** Pulses of the ticker, about two per second. Not stored. */
export const pulseSubject = (queue: string): string => `millrace.${busToken(queue)}.pulse`;

/** Notices of the ticker that there is a new tick. Not stored. */
export const tickSubject = (queue: string): string => `millrace.${busToken(queue)}.tick`;
