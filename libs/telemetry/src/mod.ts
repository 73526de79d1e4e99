export { redactText, redactUrl } from './redact.ts';
export { errorFields, safeMessage } from './error-fields.ts';
export { createLogger, logger, type Identity, type Logger } from './logger.ts';
export { counter, gauge, histogram, observedGauge } from './metrics.ts';
export type { Counter, Gauge, Histogram, Labels } from './metrics.ts';
export { batchSpan, tickTraceparent, tracingIsOn, type BatchSpan, type BatchSpanOptions } from './batch-span.ts';
export { startTelemetry, type Telemetry } from './start-telemetry.ts';
export { startHealth, type HealthOptions, type HealthReport, type HealthServer } from './health.ts';
