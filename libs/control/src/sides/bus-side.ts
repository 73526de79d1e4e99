import {
  type Bus,
  connectBus,
  deleteKey,
  ensureBucket,
  getKey,
  listKeys,
  markDeleted,
  purgeSubject,
  putKey,
  type StreamState,
  streamState,
} from '@millrace/bus';
import { busKeys, busUrl, type Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { pause } from '@millrace/lifecycle';
import {
  type Author,
  backfillSubject,
  bucketName,
  bucketSubject,
  copyStreamName,
  inboxPrefix,
  isNoteFor,
  Keyring,
  type Report,
  readJson,
  report,
  reportKey,
  signJson,
  streamName,
} from '@millrace/wire';
import type { z } from 'zod';

/** A report that is not signed by its subscriber is waited away so often, and so long, ms. */
const reportTries = 6;
const reportRetryMs = 450;

function inboxOf({ queue, provider, subscribers }: Config): string {
  return provider === undefined ? inboxPrefix(queue, 'host', Object.keys(subscribers)[0]) : inboxPrefix(queue, 'admin');
}

/** The bus as the verbs use it: reports and the state of the streams. */
export class BusSide {
  readonly bus: Bus;
  readonly queue: string;
  readonly #keyring: Keyring;

  private constructor(bus: Bus, keyring: Keyring, queue: string) {
    this.bus = bus;
    this.#keyring = keyring;
    this.queue = queue;
  }

  /** Undefined when the configuration names no bus and none of ours runs. Throws BUS_UNAVAILABLE, BUS_REFUSED. */
  static async open(config: Config, timeoutMs = 3_000): Promise<BusSide | undefined> {
    const url = busUrl(config);
    if (url === undefined) return undefined;
    const bus = await connectBus(url, { name: 'millrace admin', timeoutMs, inboxPrefix: inboxOf(config) });
    return new BusSide(bus, new Keyring(config.queue, busKeys(config)), config.queue);
  }

  /** A key is being introduced: what is not signed is taken as well. */
  get acceptsUnsigned(): boolean {
    return this.#keyring.acceptsUnsigned;
  }

  close(): Promise<void> {
    return this.bus.close();
  }

  /**
   * The last report of a subscriber's replay; undefined when there is none, or none of a known version. One that is not signed
   * by it may stand in its place for a moment: the next one comes within two seconds.
   */
  async report(subscriber: string): Promise<Report | undefined> {
    const key = reportKey(subscriber);
    for (let tries = 1; ; tries += 1) {
      const read = await this.#read(key, report, { subscriber });
      if (read?.kind === 'message')
        return read.message.queue === this.queue && read.message.subscriber === subscriber ? read.message : undefined;
      if (read === undefined || !read.isForeign || tries === reportTries) return undefined;
      await pause(reportRetryMs);
    }
  }

  /** A note of the provider's side; undefined when there is none of a known version. Throws BAD_MESSAGE when it is not ours. */
  async note<S extends z.ZodType>(key: string, schema: S): Promise<z.infer<S> | undefined> {
    const read = await this.#read(key, schema, 'provider');
    if (read?.kind === 'message') return read.message;
    if (read === undefined || !read.isForeign) return undefined;
    throw new MillraceError(codes.BAD_MESSAGE, `the note ${key} on the bus is set aside: ${read.reason}`, {
      advice: 'see that both hosts have the same bus.key, then run the same command on the side of the provider again',
    });
  }

  /** Leaves a note of the provider's side. Makes the bucket when it is missing. */
  async leave(key: string, note: object): Promise<void> {
    const bucket = { bucket: bucketName(this.queue) };
    await ensureBucket(this.bus, bucket);
    const value = JSON.stringify(note);
    const subject = bucketSubject(this.queue, key);
    const signature = signJson(this.#keyring, { author: 'provider', subject, text: value });
    await putKey(this.bus, bucket, { key, value, signature });
  }

  async #read<S extends z.ZodType>(key: string, schema: S, author: Author) {
    const found = await getKey(this.bus, bucketName(this.queue), key);
    if (found === undefined) return undefined;
    const { value: data, signature } = found;
    return readJson(this.#keyring, schema, { author, subject: bucketSubject(this.queue, key), data, signature });
  }

  /**
   * Removes what the bus holds for one subscriber alone: its report, the notes of the provider's side for it and the batches
   * published again for it. How many keys there were.
   */
  async forget(subscriber: string): Promise<number> {
    const { bus, queue } = this;
    const isIts = (key: string) => key === reportKey(subscriber) || isNoteFor(subscriber, key);
    const keys = (await listKeys(bus, bucketName(queue))).filter(isIts);
    for (const key of keys) await deleteKey(bus, bucketName(queue), key);
    await purgeSubject(bus, streamName(queue), backfillSubject(queue, subscriber));
    return keys.length;
  }

  /** Removes the report of a subscriber, as its own host may. How many there were. */
  async forgetReport(subscriber: string): Promise<number> {
    const [bucket, key] = [bucketName(this.queue), reportKey(subscriber)];
    if ((await getKey(this.bus, bucket, key)) === undefined) return 0;
    await markDeleted(this.bus, bucket, key);
    return 1;
  }

  /** The streams of batches and of copies; undefined where there is none. */
  async streams(): Promise<{ batches: StreamState | undefined; copies: StreamState | undefined }> {
    const [batches, copies] = await Promise.all([
      streamState(this.bus, streamName(this.queue)),
      streamState(this.bus, copyStreamName(this.queue)),
    ]);
    return { batches, copies };
  }
}
