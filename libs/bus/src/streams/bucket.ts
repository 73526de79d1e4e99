import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { headers as makeHeaders, nuid } from '@nats-io/transport-node';
import { apiCodeOf, apiCodes, busError, isMissing } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';
import { apiPrefix, jetStreamOf } from '../connection/jet-stream.ts';
import { signatureHeaders, signatureOf } from '../connection/signature-header.ts';
import { openReader } from './reader.ts';
import { purgeSubject } from './stored.ts';
import { deleteStream, ensureStream, type StreamDefinition } from './streams.ts';

/** A key-value bucket, laid out as NATS tools expect it, one value per key. */
export interface BucketDefinition {
  readonly bucket: string;
  readonly maxBytes?: number;
}

/** The value of a key, and what it is signed with. */
export interface BucketValue {
  readonly value: Buffer;
  readonly signature: string | undefined;
}

/** A key with its new value; undefined: deleted. */
export interface KeyChange {
  readonly kind: 'value';
  readonly key: string;
  readonly value: Buffer | undefined;
  readonly signature: string | undefined;
  /** Place in the bucket's stream: another one for each time that a value was written. */
  readonly sequence: number;
}

/** `reset`: what was known before may be stale. */
export type BucketChange = KeyChange | { readonly kind: 'reset' };

/** The stream in which a bucket's values are. */
export const streamOf = (bucket: string): string => `KV_${bucket}`;
const prefixOf = (bucket: string): string => `$KV.${bucket}.`;

const defaultBytes = 64 * 1024 * 1024;
const putTimeoutMs = 5000;

/** Makes the bucket when it is missing and restores its settings when they were altered. */
export async function ensureBucket(bus: Bus, definition: BucketDefinition): Promise<void> {
  await ensureStream(bus, streamDefinition(definition));
}

/** True when there was one. */
export async function deleteBucket(bus: Bus, bucket: string): Promise<boolean> {
  return deleteStream(bus, streamOf(bucket));
}

/** Stores a value; makes the bucket when it is gone. Keys: letters, digits, `-_=/`. */
export async function putKey(
  bus: Bus,
  definition: BucketDefinition,
  entry: { key: string; value: string | Uint8Array; signature?: string | undefined },
): Promise<void> {
  const subject = subjectOf(bus, definition.bucket, entry.key);
  const js = jetStreamOf(bus, putTimeoutMs);
  const headers = signatureHeaders(entry.signature);
  const options = headers === undefined ? {} : { headers };
  try {
    await js.publish(subject, entry.value, options);
  } catch (error) {
    if (!isMissing(error)) throw busError(error, `writing to the bucket ${definition.bucket}`);
    await ensureBucket(bus, definition);
    try {
      await js.publish(subject, entry.value, options);
    } catch (again) {
      throw busError(again, `writing to the bucket ${definition.bucket}`);
    }
  }
}

/**
 * The value now; undefined when the key or the bucket is missing. Read through a consumer: a nats-server 2.9 crashes when
 * it reads the last message of a subject in the moment in which a newer one replaces it.
 */
export async function getKey(bus: Bus, bucket: string, key: string): Promise<BucketValue | undefined> {
  const stream = streamOf(bucket);
  const { consumers } = bus.streams;
  try {
    const { name, num_pending } = await consumers.add(stream, {
      name: `k_${nuid.next()}`,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subject: prefixOf(bucket) + key,
      inactive_threshold: 10_000_000_000,
      mem_storage: true,
      num_replicas: 1,
    });
    try {
      if (num_pending === 0) return undefined;
      const consumer = await jetStreamOf(bus, putTimeoutMs).consumers.get(stream, name);
      const message = await consumer.next({ expires: putTimeoutMs });
      if (message === null || message.data.length === 0) return undefined;
      return { value: Buffer.from(message.data), signature: signatureOf(message.headers) };
    } finally {
      await consumers.delete(stream, name).catch(() => false);
    }
  } catch (error) {
    if (apiCodeOf(error) === apiCodes.streamNotFound) return undefined;
    throw busError(error, `reading from the bucket ${bucket}`);
  }
}

/** Removes a key; nothing happens when it, or the bucket, is not there. */
export async function deleteKey(bus: Bus, bucket: string, key: string): Promise<void> {
  await purgeSubject(bus, streamOf(bucket), prefixOf(bucket) + key);
}

/** Marks a key as deleted, for which only the right to write that key is needed; nothing happens when there is no bucket. */
export async function markDeleted(bus: Bus, bucket: string, key: string): Promise<void> {
  const headers = makeHeaders();
  headers.set('KV-Operation', 'DEL');
  try {
    await jetStreamOf(bus, putTimeoutMs).publish(subjectOf(bus, bucket, key), '', { headers });
  } catch (error) {
    if (!isMissing(error)) throw busError(error, `writing to the bucket ${bucket}`);
  }
}

/** The keys that have a value, or had one that was marked as deleted; none when the bucket is missing. */
export async function listKeys(bus: Bus, bucket: string): Promise<string[]> {
  const prefix = prefixOf(bucket);
  try {
    const info = await bus.streams.streams.info(streamOf(bucket), { subjects_filter: `${prefix}>` });
    return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  } catch (error) {
    if (apiCodeOf(error) === apiCodes.streamNotFound) return [];
    throw busError(error, `reading the keys of ${bucket}`);
  }
}

/**
 * Reports every key's value, then every change, for ever; a missing bucket is waited for. Returns the way to stop.
 * The listener must not throw.
 */
export function watchBucket(bus: Bus, bucket: string, listener: (change: BucketChange) => void): () => void {
  const prefix = prefixOf(bucket);
  const reader = openReader(bus, { stream: streamOf(bucket), subject: `${prefix}>`, newestOnly: true });
  const follow = async () => {
    for await (const item of reader) {
      if (item.kind === 'reset') listener({ kind: 'reset' });
      else
        listener({
          kind: 'value',
          key: item.subject.slice(prefix.length),
          value: item.deleted ? undefined : item.data,
          signature: item.signature,
          sequence: item.sequence,
        });
    }
  };
  void follow();
  return () => reader.close();
}

// In another domain a plain subject of a bucket is not passed on: the server there takes it behind its API's name.
function subjectOf(bus: Bus, bucket: string, key: string): string {
  const road = bus.domain === undefined ? '' : `${apiPrefix(bus)}.`;
  return road + prefixOf(bucket) + key;
}

function streamDefinition(definition: BucketDefinition): StreamDefinition {
  return {
    name: streamOf(definition.bucket),
    subjects: [`${prefixOf(definition.bucket)}>`],
    maxBytes: definition.maxBytes ?? defaultBytes,
    maxMessagesPerSubject: 1,
    allowRollup: true,
  };
}
