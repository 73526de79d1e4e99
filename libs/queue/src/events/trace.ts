// Traces by OpenTelemetry's API alone: without an SDK nothing is recorded and nothing is sent. The context travels as a W3C
// traceparent in ev_extra4; whatever else stands there is left alone.
import {
  context,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

const tracer = () => trace.getTracer('@millrace/queue');
const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Runs `work` in a span of the producer; the traceparent for its events is null without tracing. */
export async function producerSpan<T>(
  queue: string,
  count: number,
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  const attributes = { ...messaging(queue, 'send'), 'messaging.batch.message_count': count };
  return inSpan(`send ${queue}`, { kind: SpanKind.PRODUCER, attributes }, (span) => work(write(span.spanContext())));
}

/** Runs `work` in a span of the consumer, linked to the span that sent the event. */
export async function consumerSpan<T>(
  queue: string,
  event: { readonly id: bigint; readonly extra: readonly (string | null)[] },
  work: () => Promise<T>,
): Promise<T> {
  const from = read(event.extra[3] ?? null);
  const links: Link[] = from === undefined ? [] : [{ context: from }];
  const attributes = { ...messaging(queue, 'process'), 'messaging.message.id': String(event.id) };
  return inSpan(`process ${queue}`, { kind: SpanKind.CONSUMER, attributes, links }, work);
}

function messaging(queue: string, operation: string): Record<string, string> {
  return { 'messaging.system': 'pgq', 'messaging.destination.name': queue, 'messaging.operation.name': operation };
}

async function inSpan<T>(
  name: string,
  options: Parameters<ReturnType<typeof tracer>['startSpan']>[1],
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracer().startSpan(name, options);
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    // The message may hold values of a row.
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
    throw error;
  } finally {
    span.end();
  }
}

function write(spanContext: SpanContext): string | null {
  if (!isSpanContextValid(spanContext)) return null;
  const flags = (spanContext.traceFlags & 0xff).toString(16).padStart(2, '0');
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}

function read(text: string | null): SpanContext | undefined {
  const [, traceId, spanId, flags] = form.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}
