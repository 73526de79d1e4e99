import type pg from 'pg';
import type { z } from 'zod';
import { Consumer } from '../consumer/consumer.ts';
import type { ConsumerOptions } from '../consumer/options.ts';
import { type Database, inTransaction, isPool, type Queryable } from '../database.ts';
import { QueueError, queueCodes } from '../errors.ts';
import { type Codec, jsonCodec, textCodec } from '../events/codec.ts';
import type { QueueEvent } from '../events/event.ts';
import { type SendOptions, sendAll, sendOne } from '../events/produce.ts';
import { DeadLetters } from './dead-letters.ts';
import { createQueue, dropQueue, type QueueSettings } from './queue-admin.ts';

/** A consumer's options when delivery is exactly once. */
type Exact = ConsumerOptions & { readonly exactlyOnce: Exclude<ConsumerOptions['exactlyOnce'], undefined> };
type AtLeastOnce = ConsumerOptions & { readonly exactlyOnce?: undefined };

/** What all queues have. */
abstract class AnyQueue<Event extends QueueEvent> {
  readonly name: string;
  protected readonly codec: Codec;

  constructor(name: string, codec: Codec) {
    if (name === '') throw new QueueError(queueCodes.USAGE, 'a queue needs a name');
    this.name = name;
    this.codec = codec;
  }

  /** Makes the queue and the one of its dead letters, and sets what is given. Repeatable. Needs pgq_admin. */
  create(client: Queryable, settings: QueueSettings = {}): Promise<void> {
    return createQueue(client, this.name, settings);
  }

  /** Drops both queues with all their events. `force`: also when they have consumers. False when there was none. */
  drop(client: Queryable, options: { readonly force?: boolean } = {}): Promise<boolean> {
    return dropQueue(client, this.name, options.force ?? false);
  }

  /** Throws USAGE for options that cannot work together. */
  consumer(options: AtLeastOnce): Consumer<Event>;
  consumer(options: Exact): Consumer<Event, pg.ClientBase>;
  consumer(options: ConsumerOptions): unknown {
    return new Consumer(this.name, this.codec, options);
  }

  /** Events that consumers have set aside. */
  deadLetters(database: Database): DeadLetters {
    return new DeadLetters(this.name, database);
  }
}

/** A queue whose events all have the same kind of payload. */
export class Queue<Input, Output> extends AnyQueue<QueueEvent<string | null, Output>> {
  readonly #type: string;

  constructor(name: string, type: string, codec: Codec) {
    super(name, codec);
    this.#type = type;
  }

  /** Puts an event into the queue, in the client's transaction; gives its id. Throws BAD_PAYLOAD, and then nothing was sent. */
  send(client: Queryable, payload: Input, options: SendOptions = {}): Promise<bigint> {
    return sendOne(client, this.name, this.codec, { type: this.#type, payload, ...options });
  }

  /**
   * Puts many events into the queue, 2,000 in one round trip, in a transaction: the client's, or one of its own when given a
   * pool. Gives their ids in order. A BAD_PAYLOAD may come after some were sent; roll back then.
   */
  sendMany(client: Queryable | pg.Pool, payloads: Iterable<Input> | AsyncIterable<Input>): Promise<bigint[]> {
    const type = this.#type;
    async function* events() {
      for await (const payload of payloads) yield { type, payload };
    }
    return together(client, (one) => sendAll(one, this.name, this.codec, events()));
  }
}

export type EventMap = Readonly<Record<string, z.ZodType>>;

/** An event on its way, of one of the types. */
export type EventOf<Events extends EventMap> = {
  readonly [Type in keyof Events & string]: {
    readonly type: Type;
    readonly payload: z.input<Events[Type]>;
  } & SendOptions;
}[keyof Events & string];

type SeenEvent<Events extends EventMap> = {
  readonly [Type in keyof Events & string]: QueueEvent<Type, z.output<Events[Type]>>;
}[keyof Events & string];

/** A queue of events of several types, each with a payload of its own. */
export class EventQueue<Events extends EventMap> extends AnyQueue<SeenEvent<Events>> {
  /** As `Queue.send`, with the event's type. Throws USAGE for a type that the definition lacks. */
  send<Type extends keyof Events & string>(
    client: Queryable,
    type: Type,
    payload: z.input<Events[Type]>,
    options: SendOptions = {},
  ): Promise<bigint> {
    return sendOne(client, this.name, this.codec, { type, payload, ...options });
  }

  /** As `Queue.sendMany`. */
  sendMany(
    client: Queryable | pg.Pool,
    events: Iterable<EventOf<Events>> | AsyncIterable<EventOf<Events>>,
  ): Promise<bigint[]> {
    return together(client, (one) => sendAll(one, this.name, this.codec, events));
  }
}

/** All or nothing, also on a pool, which would give every piece another session. */
function together<T>(client: Queryable | pg.Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  return isPool(client as Database) ? inTransaction(client as pg.Pool, 'sending', work) : work(client);
}

/**
 * Says what a queue holds; no database is queried. With `schema` every event has that payload, with `events` each
 * type its own, without either the payload is the text of ev_data. What is sent is the schema's input as JSON; what a
 * consumer sees is the schema's output. `type` is the event type of what is sent, the queue's name by default.
 */
export function defineQueue<Schema extends z.ZodType>(definition: {
  readonly name: string;
  readonly schema: Schema;
  readonly type?: string;
}): Queue<z.input<Schema>, z.output<Schema>>;
export function defineQueue<const Events extends EventMap>(definition: {
  readonly name: string;
  readonly events: Events;
}): EventQueue<Events>;
export function defineQueue(definition: {
  readonly name: string;
  readonly type?: string;
}): Queue<string | null, string | null>;
export function defineQueue(definition: {
  readonly name: string;
  readonly schema?: z.ZodType;
  readonly events?: EventMap;
  readonly type?: string;
}): unknown {
  const { name, schema, events, type = name } = definition;
  if (events !== undefined) {
    return new EventQueue(
      name,
      jsonCodec((one) => (one !== null && Object.hasOwn(events, one) ? events[one] : undefined)),
    );
  }
  return new Queue(name, type, schema === undefined ? textCodec : jsonCodec(() => schema));
}
