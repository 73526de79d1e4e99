// Sets up logs, metrics and traces of one process. The packages of OpenTelemetry are loaded when they are needed: a command
// that runs to its end starts no telemetry, and only with an endpoint configured is there anything to trace.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { resourceFromAttributes } from '@opentelemetry/resources';
import type { IMetricReader, MeterProvider } from '@opentelemetry/sdk-metrics';
import type { TracerProvider } from '@opentelemetry/sdk-trace';
import { batchIds, setTracer } from './batch-span.ts';
import { createLogger, type Identity, type Logger, setRootLogger } from './logger.ts';
import { setMeter } from './metrics.ts';

type Resource = ReturnType<typeof resourceFromAttributes>;

export interface Telemetry {
  readonly log: Logger;
  /** Answers a request with all metrics as Prometheus text; give it to startHealth. */
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void;
  /** Sends what is still buffered, at most 2 s, and turns metrics and traces off. Safe to call twice. */
  stop(): Promise<void>;
}

const flushMs = 2_000;

/**
 * Starts logs (MILLRACE_LOG_LEVEL), metrics (always for Prometheus) and, when OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT / _METRICS_ENDPOINT is set, OTLP over HTTP. OTEL_SDK_DISABLED=true turns OTLP off;
 * OTEL_TRACES_SAMPLER_ARG (0 to 1, default 1) keeps that part of the batches, the same ones in every service.
 */
export async function startTelemetry(identity: Identity): Promise<Telemetry> {
  const log = createLogger(identity);
  setRootLogger(log);
  const [{ PrometheusExporter }, { resourceFromAttributes }, { MeterProvider }] = await Promise.all([
    import('@opentelemetry/exporter-prometheus'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-metrics'),
  ]);
  const resource = resourceFromAttributes({
    'service.name': `millrace-${identity.service}`,
    'service.namespace': 'millrace',
    ...(identity.queue !== undefined && { 'millrace.queue': identity.queue }),
    ...(identity.subscriber !== undefined && { 'millrace.subscriber': identity.subscriber }),
  });
  const prometheus = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const meters = new MeterProvider({ resource, readers: [prometheus, ...(await otlpMetricReaders())] });
  setMeter(meters.getMeter('millrace'));
  const traces = await otlpTracerProvider(resource);
  setTracer(traces?.getTracer('millrace'));
  let stopping: Promise<void> | undefined;
  return {
    log,
    metrics: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    stop: () => (stopping ??= stopAll(meters, traces)),
  };
}

async function stopAll(meters: MeterProvider, traces: TracerProvider | undefined): Promise<void> {
  setMeter(undefined);
  setTracer(undefined);
  const late = new Promise<void>((resolve) => setTimeout(resolve, flushMs).unref());
  await Promise.race([Promise.allSettled([meters.shutdown(), traces?.shutdown()]), late]);
}

function otlpWanted(kind: 'TRACES' | 'METRICS'): boolean {
  if (process.env['OTEL_SDK_DISABLED'] === 'true') return false;
  if (process.env[`OTEL_${kind}_EXPORTER`] === 'none') return false;
  return Boolean(process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] || process.env[`OTEL_EXPORTER_OTLP_${kind}_ENDPOINT`]);
}

async function otlpMetricReaders(): Promise<IMetricReader[]> {
  if (!otlpWanted('METRICS')) return [];
  const [{ OTLPMetricExporter }, { PeriodicExportingMetricReader }] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/sdk-metrics'),
  ]);
  const exportIntervalMillis = Number(process.env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 60_000) || 60_000;
  const exportTimeoutMillis = Math.min(exportIntervalMillis, 10_000);
  return [
    new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis,
      exportTimeoutMillis,
    }),
  ];
}

async function otlpTracerProvider(resource: Resource): Promise<TracerProvider | undefined> {
  if (!otlpWanted('TRACES')) return undefined;
  const [{ OTLPTraceExporter }, sdk] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-trace'),
  ]);
  return new sdk.TracerProvider({
    resource,
    idGenerator: batchIds,
    sampler: new sdk.TraceIdRatioBasedSampler(samplingRatio()),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 2_000 })],
  });
}

function samplingRatio(): number {
  const ratio = Number(process.env['OTEL_TRACES_SAMPLER_ARG'] ?? 1);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
