import { alteredSettings, type Bus, busLimits, streamCopies } from '@millrace/bus';
import { bucketName, copyStreamName, streamName } from '@millrace/wire';
import type { BusSide } from '../sides/bus-side.ts';
import { type BareFinding, found, joinOutcomes, type Outcome } from './report.ts';

/** Below this a batch of small rows is cut into very many messages. Bytes. */
const smallPayload = 256 * 1024;

/** Settings that capture cannot correct; it makes the stream again when it is gone, and nothing is lost by that. */
const lasting = new Set(['sealed', 'storage', 'retention']);

/** Inspects the bus: its limits, and the streams of this queue. Throws when it cannot be reached. */
export async function examineBus({ bus, queue, acceptsUnsigned }: BusSide): Promise<Outcome> {
  const limits = await busLimits(bus);
  const { version, maxPayload, jetStream, storage } = limits;
  const outcomes = [
    found('bus-jetstream', 'bus', jetStream ? [] : [noJetStream(version)]),
    found('bus-key', 'bus', acceptsUnsigned ? [unsigned()] : []),
    found('bus-payload', 'bus', maxPayload < smallPayload ? [payload(maxPayload)] : []),
  ];
  if (!jetStream) return joinOutcomes(outcomes);
  outcomes.push(found('bus-storage', 'bus', storageFindings(storage)));
  const streams: BareFinding[] = [];
  for (const name of [streamName(queue), copyStreamName(queue)]) {
    const altered = (await alteredSettings(bus, name)) ?? [];
    if (altered.length > 0) streams.push(stream(name, altered));
  }
  if (bus.replicas !== undefined) outcomes.push(found('bus-replicas', 'bus', await replicaFindings(bus, queue)));
  outcomes.push(found('bus-streams', 'bus', streams));
  return joinOutcomes(outcomes);
}

/** Streams that fewer servers hold than the configuration wants, at this moment. */
async function replicaFindings(bus: Bus, queue: string): Promise<BareFinding[]> {
  const wanted = bus.replicas ?? 1;
  const findings: BareFinding[] = [];
  for (const name of [streamName(queue), copyStreamName(queue), `KV_${bucketName(queue)}`]) {
    const copies = await streamCopies(bus, name);
    if (copies === undefined || (copies.all === wanted && copies.current === wanted)) continue;
    const message =
      copies.all === wanted
        ? `is up to date on ${copies.current} of ${wanted} servers: another loss makes the bus wait for them`
        : `is on ${copies.all} servers and not on ${wanted}, as bus.replicas says; capture alters it when the cluster can`;
    findings.push({ level: 'warning', object: `stream ${name}`, message, fix: 'nats server report jetstream' });
  }
  return findings;
}

function unsigned(): BareFinding {
  const message =
    'is true: messages that nobody signed are taken although there is a key; remove it when all hosts have the key';
  return { level: 'warning', object: 'bus.accept_unsigned', message, fix: null };
}

function noJetStream(version: string): BareFinding {
  const message = 'has no JetStream, or our account may not use it: nothing can be stored there';
  return { level: 'error', object: `nats-server ${version}`, message, fix: 'nats-server --jetstream' };
}

function payload(bytes: number): BareFinding {
  const message = `is ${bytes} bytes: batches are cut into many small messages, and are slow`;
  const fix = "echo 'max_payload: 1MB' >> /etc/nats-server.conf && nats-server --signal reload";
  return { level: 'warning', object: 'max_payload', message, fix };
}

/** Only for an account with a limit is it known how full it is; else the server's disk is the limit. */
export function storageFindings({ used, limit }: { used: number; limit: number | undefined }): BareFinding[] {
  if (limit === undefined || used <= 0.9 * limit) return [];
  const message = `takes ${used} of the ${limit} bytes it may have: publishing waits until there is space`;
  const fix = 'nats auth account edit --js-disk 4GB';
  return [{ level: 'warning', object: 'our JetStream account', message, fix }];
}

function stream(name: string, altered: readonly string[]): BareFinding {
  const what = altered.join(', ');
  const isLasting = altered.some((setting) => lasting.has(setting));
  if (!isLasting) {
    const message = `was altered (${what}) and may lose messages; capture corrects it when it runs`;
    return { level: 'warning', object: `stream ${name}`, message, fix: 'millrace run capture' };
  }
  const message = `was altered (${what}); nothing is lost by removing it: capture makes it again and fills it`;
  return { level: 'error', object: `stream ${name}`, message, fix: `nats stream rm --force ${name}` };
}
