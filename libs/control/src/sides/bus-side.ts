import {
  type Bus,
  connectBus,
  deleteKey,
  getKey,
  listKeys,
  markDeleted,
  purgeSubject,
  type StreamState,
  streamState,
} from '@millrace/bus';
import { busUrl, type Config } from '@millrace/config';
import {
  backfillSubject,
  bucketName,
  copyStreamName,
  decodeJson,
  inboxPrefix,
  isNoteFor,
  type Report,
  report,
  reportKey,
  streamName,
} from '@millrace/wire';

function inboxOf({ queue, provider, subscribers }: Config): string {
  return provider === undefined ? inboxPrefix(queue, 'host', Object.keys(subscribers)[0]) : inboxPrefix(queue, 'admin');
}

/** The bus as the verbs use it: reports and the state of the streams. */
export class BusSide {
  readonly bus: Bus;
  readonly queue: string;

  private constructor(bus: Bus, queue: string) {
    this.bus = bus;
    this.queue = queue;
  }

  /** Undefined when the configuration names no bus and none of ours runs. Throws BUS_UNAVAILABLE, BUS_REFUSED. */
  static async open(config: Config, timeoutMs = 3_000): Promise<BusSide | undefined> {
    const url = busUrl(config);
    if (url === undefined) return undefined;
    return new BusSide(
      await connectBus(url, { name: 'millrace admin', timeoutMs, inboxPrefix: inboxOf(config) }),
      config.queue,
    );
  }

  close(): Promise<void> {
    return this.bus.close();
  }

  /** The last report of a subscriber's replay; undefined when there is none, or none of a known version. */
  async report(subscriber: string): Promise<Report | undefined> {
    const value = await getKey(this.bus, bucketName(this.queue), reportKey(subscriber));
    const found = value === undefined ? undefined : decodeJson(report, value);
    return found?.queue === this.queue ? found : undefined;
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
