import { busToken } from '@millrace/model';

/** Names on the bus. Each takes the queue's name as the operator knows it; `busToken` keeps different names apart. */

/** The stream that holds batches and backfills. */
export const streamName = (queue: string): string => `millrace_${busToken(queue)}`;

/** The stream that holds table copies on their way. */
export const copyStreamName = (queue: string): string => `millrace_copy_${busToken(queue)}`;

/** The key-value bucket of the subscribers' reports; one key per subscriber, its bus token. */
export const bucketName = (queue: string): string => `millrace_${busToken(queue)}`;

/** Batches for every subscriber. */
export const batchSubject = (queue: string): string => `millrace.${busToken(queue)}.batch`;

/** Batches again, for one subscriber that lacks them. */
export const backfillSubject = (queue: string, subscriber: string): string =>
  `millrace.${busToken(queue)}.backfill.${busToken(subscriber)}`;

/** One table copy, for all subscribers that asked for it. */
export const copySubject = (queue: string, copyId: number): string => `millrace.${busToken(queue)}.copy.${copyId}`;

/** Not stored: the ticker tells, twice a second or so, up to which tick everything is that it found committed. */
export const pulseSubject = (queue: string): string => `millrace.${busToken(queue)}.pulse`;

/** Not stored: the ticker tells that there is a new tick. */
export const tickSubject = (queue: string): string => `millrace.${busToken(queue)}.tick`;
