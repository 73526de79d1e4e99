import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { Bus } from './connect.ts';

/** JetStream in the domain where our streams are. */
export function jetStreamOf(bus: Bus, timeoutMs: number): JetStreamClient {
  return jetstream(bus.connection, { timeout: timeoutMs, ...(bus.domain === undefined ? {} : { domain: bus.domain }) });
}

/** What subjects of JetStream's API begin with. */
export function apiPrefix(bus: Bus): string {
  return bus.domain === undefined ? '$JS.API' : `$JS.${bus.domain}.API`;
}
