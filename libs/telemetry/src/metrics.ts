// The one metrics API of all services. Instruments are declared anywhere, at module load if liked, and bind to
// the SDK when it has started; before that they count nothing and cost a comparison.
import type { Attributes, Meter } from '@opentelemetry/api';

export type Labels = Attributes;
/** Only goes up. Names end in `_total` by themselves in the Prometheus text. */
export interface Counter {
  add(value: number, labels?: Labels): void;
}
/** The latest value wins. */
export interface Gauge {
  set(value: number, labels?: Labels): void;
}
/** A distribution; give seconds or bytes as the name says. */
export interface Histogram {
  record(value: number, labels?: Labels): void;
}

let meter: Meter | undefined;
let generation = 0;
const observers: ((meter: Meter) => void)[] = [];

/** Binds all instruments to `next`; `undefined` unbinds them. Called by startTelemetry. */
export function setMeter(next: Meter | undefined): void {
  meter = next;
  generation += 1;
  if (next !== undefined) for (const register of observers) register(next);
}

// Makes the instrument once for each meter; a later meter (tests) makes it again.
function bound<I>(make: (meter: Meter) => I): () => I | undefined {
  let instrument: I | undefined;
  let madeFor = -1;
  return () => {
    if (meter === undefined) return undefined;
    if (madeFor !== generation) {
      instrument = make(meter);
      madeFor = generation;
    }
    return instrument;
  };
}

/** Declares a counter, for example `counter('millrace_batches', 'Batches published')`. */
export function counter(name: string, help: string): Counter {
  const get = bound((m) => m.createCounter(name, { description: help }));
  return { add: (value, labels) => get()?.add(value, labels) };
}

/** Declares a gauge that is set when its value is known. */
export function gauge(name: string, help: string): Gauge {
  const get = bound((m) => m.createGauge(name, { description: help }));
  return { set: (value, labels) => get()?.record(value, labels) };
}

/** Declares a histogram with its bucket limits, in ascending order (default: 1 ms to 60 s, in seconds). */
export function histogram(name: string, help: string, buckets: number[] = seconds): Histogram {
  const get = bound((m) =>
    m.createHistogram(name, { description: help, advice: { explicitBucketBoundaries: buckets } }),
  );
  return { record: (value, labels) => get()?.record(value, labels) };
}

/** A value and what it is of. */
export type Observation = readonly [value: number, labels: Labels];

/**
 * Declares a gauge whose value is read only when somebody collects; `read` must be quick and must not throw. It gives one
 * value, or one for each thing that is there at this moment.
 */
export function observedGauge(name: string, help: string, read: () => number | readonly Observation[]): void {
  const register = (m: Meter) =>
    m.createObservableGauge(name, { description: help }).addCallback((result) => {
      const found = read();
      if (typeof found === 'number') result.observe(found);
      else for (const [value, labels] of found) result.observe(value, labels);
    });
  observers.push(register);
  if (meter !== undefined) register(meter);
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

observedGauge('process_resident_memory_bytes', 'Memory of this process', () => process.memoryUsage.rss());
observedGauge('process_cpu_seconds', 'CPU time used by this process, user and system', () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
});
observedGauge('process_uptime_seconds', 'Time since this process started', () => process.uptime());
