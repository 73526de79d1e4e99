// Tracing of batches. The trace id of a batch is the fingerprint of the tick that ends it, so anybody who knows the
// tick can find the trace. The root span (the ticker's) has a span id derived from the same fingerprint: services that
// know only the tick can name their parent without a message.

import { randomBytes } from 'node:crypto';
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import { ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { IdGenerator } from '@opentelemetry/sdk-trace';
import { safeMessage } from './error-fields.ts';

/** What `batchSpan` hands to its function. All of it does nothing when tracing is off, but `traceparent` is always right. */
export interface BatchSpan {
  /** W3C trace context to carry in the message, so that the next service's span hangs below this one. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** Runs `fn` in a span below this one; an error is recorded and thrown on. */
  child<T>(name: string, fn: (span: BatchSpan) => Promise<T>): Promise<T>;
}

export interface BatchSpanOptions {
  /** Fingerprint of the tick that ends the batch: 32 lower-case hex characters. */
  readonly fingerprint: string;
  /** Carried from the service before; ignored when it is not of this trace. Default: the tick's own span. */
  readonly parentTraceparent?: string | undefined;
  /** True only for the ticker: this span is the root of the trace. */
  readonly root?: boolean;
  /** When the work began, ms since 1970; default now. The ticker knows the fingerprint only afterwards. */
  readonly startedAt?: number;
  readonly attributes?: Attributes;
}

let tracer: Tracer | undefined;

/** Turns tracing on or off. Called by startTelemetry. */
export function setTracer(next: Tracer | undefined): void {
  tracer = next;
}

/** Runs `fn` in a span of the batch's trace. Errors are recorded (without row values) and thrown on unchanged. */
export async function batchSpan<T>(
  name: string,
  options: BatchSpanOptions,
  fn: (span: BatchSpan) => Promise<T>,
): Promise<T> {
  const parent = parentOf(options);
  if (tracer === undefined) return fn(silentSpan(parent));
  return run(startSpan(tracer, name, options, parent), fn);
}

/** The traceparent of a tick's own (root) span: what a service assumes when nothing was carried to it. */
export function tickTraceparent(fingerprint: string): string {
  return `00-${fingerprint}-${rootSpanId(fingerprint)}-01`;
}

function parentOf({ fingerprint, parentTraceparent }: BatchSpanOptions): string {
  const carried = parentTraceparent !== undefined && parseTraceparent(parentTraceparent);
  return carried && carried.traceId === fingerprint ? parentTraceparent : tickTraceparent(fingerprint);
}

function startSpan(by: Tracer, name: string, options: BatchSpanOptions, parent: string): Span {
  const times = options.startedAt === undefined ? {} : { startTime: options.startedAt };
  const settings = { ...times, attributes: options.attributes ?? {} };
  if (options.root !== true) return by.startSpan(name, settings, contextOf(parent));
  batchIds.next(options.fingerprint);
  return by.startSpan(name, { ...settings, root: true }, ROOT_CONTEXT);
}

async function run<T>(span: Span, fn: (span: BatchSpan) => Promise<T>): Promise<T> {
  try {
    return await fn(liveSpan(span));
  } catch (error) {
    const message = error instanceof Error ? safeMessage(error) : 'failed';
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw error;
  } finally {
    span.end();
  }
}

function liveSpan(span: Span): BatchSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`,
    set: (attributes) => void span.setAttributes(attributes),
    event: (name, attributes) => void span.addEvent(name, attributes),
    child: (name, fn) => {
      if (tracer === undefined) return fn(liveSpan(span));
      return run(tracer.startSpan(name, {}, trace.setSpan(ROOT_CONTEXT, span)), fn);
    },
  };
}

function silentSpan(traceparent: string): BatchSpan {
  const span: BatchSpan = { traceparent, set: () => {}, event: () => {}, child: (_name, fn) => fn(span) };
  return span;
}

function contextOf(traceparent: string): Context {
  const parsed = parseTraceparent(traceparent);
  if (parsed === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...parsed, isRemote: true });
}

function parseTraceparent(text: string): { traceId: string; spanId: string; traceFlags: number } | undefined {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = '00'] = match;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

function rootSpanId(fingerprint: string): string {
  const id = fingerprint.slice(0, 16);
  return /^0+$/.test(id) ? '0000000000000001' : id;
}

/** Gives random ids, except for the one root span announced by `next`. startSpan is synchronous, so this cannot race. */
class BatchIdGenerator implements IdGenerator {
  #traceId: string | undefined;
  #spanId: string | undefined;

  next(fingerprint: string): void {
    this.#traceId = fingerprint;
    this.#spanId = rootSpanId(fingerprint);
  }

  generateTraceId = (): string => {
    const id = this.#traceId ?? randomBytes(16).toString('hex');
    this.#traceId = undefined;
    return id;
  };

  generateSpanId = (): string => {
    const id = this.#spanId ?? randomBytes(8).toString('hex');
    this.#spanId = undefined;
    return id;
  };
}

/** The id generator the SDK must be given for root spans to take the batch's trace id. */
export const batchIds = new BatchIdGenerator();
