// Collects the chunks of buffered batches into what one transaction applies.
import type { Tick } from '@millrace/model';
import { type BatchHeader, type Message, sha256Hex } from '@millrace/wire';
import type { WholeBatch } from '../apply/plan/plan-batch.ts';
import type { BufferedMessage, MessageBuffer, ProviderPosition } from './message-buffer.ts';

/** A batch in memory, or why it is not: it is too large for that, its rest is not there, or its totals are wrong. */
export type Collected =
  | { readonly kind: 'whole'; readonly batch: WholeBatch }
  | { readonly kind: 'large' }
  | { readonly kind: 'incomplete'; readonly isChunkMissing: boolean }
  | { readonly kind: 'wrong'; readonly reason: string };

export interface CollectOptions {
  /** Larger batches are not collected, bytes. */
  readonly maxWholeBytes: number;
  /** From this size on a batch whose rest is not there counts as large, bytes. Default: never. */
  readonly minUnfinishedBytes?: number | undefined;
}

/** Batches that follow each other, and where the last one begins in the stream. */
export interface Following {
  readonly batches: readonly WholeBatch[];
  readonly to: Tick;
  readonly sequence: number;
}

export interface FollowingOptions {
  readonly maxWholeBytes: number;
  /** Nothing behind this tick is added; undefined: no such tick. */
  readonly upTo: number | undefined;
}

/** Bounds of one transaction over several waiting batches. */
const maxLines = 100_000;
const maxBatches = 1000;

/** Collects the chunks of the batch that begins with `first`. */
export function collectBatch(buffer: MessageBuffer, first: BufferedMessage, options: CollectOptions): Collected {
  const { maxWholeBytes, minUnfinishedBytes = Number.POSITIVE_INFINITY } = options;
  const { header } = first;
  const chunks: Message<BatchHeader>[] = [];
  let bytes = 0;
  for (let next: BufferedMessage | undefined = first; next !== undefined; next = buffer.chunk(header, chunks.length)) {
    chunks.push(next);
    bytes += next.body.length;
    if (next.header.last) {
      const reason = wrongTotals(chunks.map((chunk) => chunk.header));
      if (reason !== undefined) return { kind: 'wrong', reason };
      return { kind: 'whole', batch: { prev: header.prev, tick: header.tick, chunks } };
    }
    if (bytes > maxWholeBytes) return { kind: 'large' };
  }
  const isChunkMissing = buffer.isPast(header, chunks.length);
  if (!isChunkMissing && bytes > minUnfinishedBytes) return { kind: 'large' };
  return { kind: 'incomplete', isChunkMissing };
}

/** Adds the batches that wait behind the first one: they are applied in one transaction, with one net change. */
export function collectFollowing(
  buffer: MessageBuffer,
  first: { readonly batch: WholeBatch; readonly sequence: number },
  { provider }: ProviderPosition,
  { maxWholeBytes, upTo }: FollowingOptions,
): Following {
  const starts = new Map<string, BufferedMessage>();
  for (const one of buffer.messages) {
    if (one.header.chunk === 0 && one.header.provider === provider) starts.set(tickKey(one.header.prev), one);
  }
  const batches = [first.batch];
  let { sequence } = first;
  let to: Tick = first.batch.tick;
  let lines = linesOf(first.batch);
  let bytes = bytesOf(first.batch);
  while (to.tick !== upTo && batches.length < maxBatches && lines < maxLines && bytes < maxWholeBytes) {
    const next = starts.get(tickKey(to));
    const collected = next === undefined ? undefined : collectBatch(buffer, next, { maxWholeBytes });
    if (next === undefined || collected?.kind !== 'whole') break;
    batches.push(collected.batch);
    lines += linesOf(collected.batch);
    bytes += bytesOf(collected.batch);
    to = collected.batch.tick;
    sequence = next.sequence;
  }
  return { batches, to, sequence };
}

/** What contradicts the totals in the last chunk's header; undefined when all is as it says. */
export function wrongTotals(headers: readonly BatchHeader[]): string | undefined {
  const total = headers.at(-1)?.total;
  if (total === undefined) return 'the last chunk has no totals';
  if (total.chunks !== headers.length) return 'another number of chunks than announced';
  if (total.lines !== headers.reduce((sum, header) => sum + header.lines, 0))
    return 'another number of lines than announced';
  if (total.sha256 !== sha256Hex(headers.map((header) => header.sha256))) return 'the digest of all chunks differs';
  return undefined;
}

function tickKey({ tick, fingerprint }: Pick<Tick, 'tick' | 'fingerprint'>): string {
  return `${tick} ${fingerprint}`;
}

function linesOf(batch: WholeBatch): number {
  return batch.chunks.reduce((sum, chunk) => sum + chunk.header.lines, 0);
}

function bytesOf(batch: WholeBatch): number {
  return batch.chunks.reduce((sum, chunk) => sum + chunk.body.length, 0);
}
