// A handler for each event: what it did is kept, or undone and the event retried or set aside.
import type { Batch, RetryOptions } from '../batch/batch.ts';
import type { BatchInfo } from '../batch/batch-source.ts';
import type { Work } from '../batch/work.ts';
import type { QueueEvent } from '../events/event.ts';
import { consumerSpan } from '../events/trace.ts';

/** What a handler is given beside its event. */
export interface HandlerContext<Client = undefined> {
  /** Exactly once: the client inside the transaction that finishes the batch. Undefined when delivery is at least once. */
  readonly client: Client;
  /** Aborted when the run is to end, or the batch was lost. */
  readonly signal: AbortSignal;
  readonly batch: BatchInfo;
  /** The event comes again later; what the handler did stays. To undo it, throw instead. */
  retry(options?: RetryOptions): void;
  /** The event becomes a dead letter; what the handler did stays. */
  deadLetter(reason: string): void;
}

export type Handler<Event extends QueueEvent = QueueEvent, Client = undefined> = (
  event: Event,
  context: HandlerContext<Client>,
) => Promise<unknown> | unknown;

export interface HandlePlan<Event extends QueueEvent, Client> {
  readonly queue: string;
  readonly handler: (event: Event) => Handler<Event, Client> | undefined;
  readonly maxRetries: number;
  readonly concurrency: number;
  readonly onError: (error: Error, event?: Event) => void;
}

/** All events of a batch. Throws when the session is lost or the run is to end; a failing handler does not. */
export async function handleBatch<Event extends QueueEvent, Client>(
  plan: HandlePlan<Event, Client>,
  batch: Batch<Event, Client>,
  work: Work,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const event of batch) {
      const one: Promise<void> = handleEvent(plan, batch, work, event)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= plan.concurrency) await Promise.race(running);
      if (failure !== undefined) break;
    }
  } finally {
    // Also when the loop ends early: no session may open the batch again while its handlers still work.
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure.error;
}

async function handleEvent<Event extends QueueEvent, Client>(
  plan: HandlePlan<Event, Client>,
  batch: Batch<Event, Client>,
  work: Work,
  event: Event,
): Promise<void> {
  const handler = plan.handler(event);
  if (handler === undefined) return;
  const given: HandlerContext<Client> = {
    get client() {
      return batch.client;
    },
    signal: batch.signal,
    batch: batch.info,
    retry: (options) => batch.retry(event, options),
    deadLetter: (reason) => batch.deadLetter(event, reason),
  };
  try {
    await consumerSpan(plan.queue, event, async () => {
      await handler(event, given);
      await work.keep();
    });
  } catch (error) {
    batch.signal.throwIfAborted();
    await work.undo();
    plan.onError(asError(error), event);
    if (event.attempt > plan.maxRetries) batch.deadLetter(event, describe(error));
    else batch.retry(event);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function describe(error: unknown): string {
  const { name, message } = asError(error);
  return `${name}: ${message}`;
}
