export { type BatchSpan, type BatchSpanOptions, batchSpan } from './batch-span.ts';
export { errorFields } from './error-fields.ts';
export { type HealthOptions, type HealthReport, type HealthServer, startHealth } from './health.ts';
export { type Listening, listen, stopListening } from './listen.ts';
export { createLogger, type Identity, type Logger, logger } from './logger.ts';
export type { Counter, Gauge, Histogram, Labels, Observation } from './metrics.ts';
export { counter, gauge, histogram, observedGauge } from './metrics.ts';
export { redactText, redactUrl } from './redact.ts';
export { startTelemetry, type Telemetry } from './start-telemetry.ts';
