// What each program may send and read on the bus. Everything that is published, requested or subscribed to anywhere must be
// in here; test/e2e/bus-permissions.e2e.test.ts runs all of it with users that may no more.
import {
  backfillSubject,
  batchSubject,
  bucketName,
  copyStreamName,
  copySubject,
  inboxPrefix,
  pulseSubject,
  reportKey,
  streamName,
  tickSubject,
} from '@millrace/wire';
import { z } from 'zod';

/** `provider`: ticker, capture and admin in one, as `millrace up` runs them; `host`: a replay and what a person types there. */
export const busUserRoles = ['ticker', 'capture', 'admin', 'provider', 'replay', 'host'] as const;

export type BusUserRole = (typeof busUserRoles)[number];

export const busUser = z
  .strictObject({
    name: z.string().describe('of the user at the NATS server'),
    role: z.enum(busUserRoles),
    subscriber: z.string().nullable().describe('for replay and host; null for the others'),
    publish: z.array(z.string()).describe('subjects that it may publish to'),
    subscribe: z.array(z.string()).describe('subjects that it may subscribe to'),
  })
  .describe('A user of the NATS server, with all that it needs and no more.');

export type BusUser = z.infer<typeof busUser>;

/** Whom to describe. */
export interface BusUserPlan {
  readonly queue: string;
  readonly role: BusUserRole;
  /** For `replay` and `host`. */
  readonly subscriber?: string;
  /** The JetStream domain of the streams, as in the configuration. */
  readonly domain?: string | undefined;
}

interface Grants {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** True for roles of which there is one for each subscriber. */
export function isPerSubscriber(role: BusUserRole): boolean {
  return role === 'replay' || role === 'host';
}

/** The user of a role, with sorted subjects. */
export function busUserOf(plan: BusUserPlan): BusUser {
  const { queue, role, subscriber } = plan;
  const { publish, subscribe } = grantsOf(plan);
  return {
    name: [queue, role, ...(subscriber === undefined ? [] : [subscriber])].join('.'),
    role,
    subscriber: subscriber ?? null,
    publish: [...new Set(publish)].sort(),
    subscribe: [...new Set(subscribe)].sort(),
  };
}

function grantsOf(plan: BusUserPlan): Grants {
  const { queue, role, subscriber = '' } = plan;
  const names = namesOf(plan);
  switch (role) {
    case 'ticker':
      return tickerGrants(queue);
    case 'capture':
      return captureGrants(queue, names);
    case 'admin':
      return adminGrants(queue, names);
    case 'provider':
      return union(tickerGrants(queue), captureGrants(queue, names), adminGrants(queue, names));
    case 'replay':
      return replayGrants(queue, subscriber, names);
    case 'host':
      return union(replayGrants(queue, subscriber, names), hostGrants(queue, subscriber, names));
  }
}

/** Streams, and what the subjects of requests about them begin with. */
interface Names {
  readonly batches: string;
  readonly copies: string;
  readonly bucket: string;
  readonly api: string;
  /** What a key of the bucket is published to begins with, and what it is stored under. */
  readonly put: string;
  readonly keys: string;
}

function namesOf({ queue, domain }: BusUserPlan): Names {
  const api = domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
  const keys = `$KV.${bucketName(queue)}`;
  return {
    batches: streamName(queue),
    copies: copyStreamName(queue),
    bucket: `KV_${bucketName(queue)}`,
    api,
    put: domain === undefined ? keys : `${api}.${keys}`,
    keys,
  };
}

function tickerGrants(queue: string): Grants {
  return { publish: [tickSubject(queue), pulseSubject(queue)], subscribe: [`${inboxPrefix(queue, 'ticker')}.>`] };
}

function captureGrants(queue: string, { batches, copies, bucket, api, keys }: Names): Grants {
  const streams = [batches, copies, bucket];
  return {
    publish: [
      batchSubject(queue),
      everySubscriber(backfillSubject(queue, 'x')),
      everySubscriber(copySubject(queue, 0)),
      ...['INFO', 'CREATE', 'UPDATE', 'DELETE'].flatMap((verb) =>
        streams.map((name) => `${api}.STREAM.${verb}.${name}`),
      ),
      ...[batches, copies].flatMap((name) => [
        `${api}.STREAM.PURGE.${name}`,
        `${api}.STREAM.MSG.GET.${name}`,
        `${api}.CONSUMER.LIST.${name}`,
      ]),
      // Whether a stream that does not answer is known to the cluster.
      `${api}.STREAM.NAMES`,
      ...readerGrants(api, bucket, [`${keys}.>`]),
    ],
    subscribe: [tickSubject(queue), `${inboxPrefix(queue, 'capture')}.>`],
  };
}

function adminGrants(queue: string, { batches, copies, bucket, api, put, keys }: Names): Grants {
  const streams = [batches, copies, bucket];
  return {
    publish: [
      `${put}.*`,
      `${api}.INFO`,
      ...['INFO', 'DELETE'].flatMap((verb) => streams.map((name) => `${api}.STREAM.${verb}.${name}`)),
      ...['CREATE', 'UPDATE', 'PURGE'].map((verb) => `${api}.STREAM.${verb}.${bucket}`),
      `${api}.STREAM.PURGE.${batches}`,
      `${api}.CONSUMER.INFO.${bucket}.*`,
      ...readerGrants(api, bucket, [`${keys}.*`]),
    ],
    subscribe: [`${inboxPrefix(queue, 'admin')}.>`],
  };
}

function replayGrants(queue: string, subscriber: string, { batches, copies, bucket, api, put }: Names): Grants {
  return {
    publish: [
      `${put}.${reportKey(subscriber)}`,
      ...[batches, copies, bucket].map((name) => `${api}.STREAM.INFO.${name}`),
      `${api}.STREAM.MSG.GET.${batches}`,
      ...readerGrants(api, batches, [batchSubject(queue), backfillSubject(queue, subscriber)]),
      ...readerGrants(api, copies, [everySubscriber(copySubject(queue, 0))]),
    ],
    subscribe: [pulseSubject(queue), `${inboxPrefix(queue, 'replay', subscriber)}.>`],
  };
}

/** What a person types on a subscriber's host reads reports and notes; it writes nothing but the subscriber's own report. */
function hostGrants(queue: string, subscriber: string, { bucket, api, keys }: Names): Grants {
  return {
    publish: [`${api}.INFO`, `${api}.CONSUMER.INFO.${bucket}.*`, ...readerGrants(api, bucket, [`${keys}.*`])],
    subscribe: [`${inboxPrefix(queue, 'host', subscriber)}.>`],
  };
}

/** A consumer for these subjects alone: the server compares the subject in the request with the one in its body. */
function readerGrants(api: string, stream: string, subjects: readonly string[]): string[] {
  return [
    ...subjects.map((subject) => `${api}.CONSUMER.CREATE.${stream}.*.${subject}`),
    `${api}.CONSUMER.MSG.NEXT.${stream}.*`,
    `${api}.CONSUMER.DELETE.${stream}.*`,
  ];
}

function everySubscriber(subject: string): string {
  return subject.replace(/[^.]*$/, '*');
}

function union(...all: readonly Grants[]): Grants {
  return {
    publish: all.flatMap(({ publish }) => publish),
    subscribe: all.flatMap(({ subscribe }) => subscribe),
  };
}
