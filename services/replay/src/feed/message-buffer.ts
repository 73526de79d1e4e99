// The messages of one subject that wait to be applied: decoded, bounded in memory, picked by position.
import type { Delivered, Reader } from '@millrace/bus';
import { isSameTick, type Position } from '@millrace/model';
import type { RefusedMessage } from '@millrace/subscriber';
import { type BatchHeader, type Keyring, type Message, readMessage } from '@millrace/wire';

/** A position, and the cluster whose history it belongs to. */
export interface ProviderPosition extends Position {
  readonly provider: string;
}

/** A decoded message that is not used yet. */
export interface BufferedMessage extends Message<BatchHeader> {
  readonly sequence: number;
}

export interface MessageBufferOptions {
  readonly queue: string;
  readonly keyring: Keyring;
  readonly open: (from: number) => Reader;
  /** First sequence wanted. */
  readonly from: number;
  /** `isForeign`: nobody who has our key wrote it, so that nothing of ours is missing. */
  readonly onRefused: (refused: RefusedMessage, isForeign: boolean) => void;
  /** Called after each message that was buffered or refused. */
  readonly onArrival: () => void;
  /** Reading pauses above this. Default 8 MiB. */
  readonly maxBytes?: number;
}

/** What is buffered for a position. */
export type Found =
  | { readonly kind: 'batch'; readonly first: BufferedMessage }
  /** The next batch here begins behind the position, or lacks its beginning. */
  | { readonly kind: 'gap'; readonly to: number | null }
  /** A message has the position's tick with another fingerprint or provider. */
  | { readonly kind: 'history' }
  | { readonly kind: 'nothing' };

const defaultMaxBytes = 8 * 1024 * 1024;

export class MessageBuffer {
  readonly #options: MessageBufferOptions;
  #messages: BufferedMessage[] = [];
  #bytes = 0;
  #reader: Reader;
  #resume: (() => void) | undefined;
  #closed = false;

  constructor(options: MessageBufferOptions) {
    this.#options = options;
    this.#reader = options.open(options.from);
    void this.#pump(this.#reader);
  }

  get messages(): readonly BufferedMessage[] {
    return this.#messages;
  }

  /** Drops what `position` has passed, then finds the batch that begins there. */
  find(position: ProviderPosition): Found {
    const { tick, provider } = position;
    const endsElsewhere = this.#messages.some(({ header }) => header.tick.tick === tick && !endsAt(header, position));
    this.#retain(({ header }) => header.tick.tick > tick);
    const first = this.#messages.find(
      ({ header }) => header.chunk === 0 && header.provider === provider && isSameTick(header.prev, position),
    );
    if (first !== undefined) return { kind: 'batch', first };
    const beginsElsewhere = ({ header }: BufferedMessage) => header.prev.tick === tick && !beginsAt(header, position);
    if (endsElsewhere || this.#messages.some(beginsElsewhere)) return { kind: 'history' };
    const ahead = this.#messages.flatMap(({ header }) =>
      header.chunk === 0 && header.prev.tick > tick ? [header.prev.tick] : [],
    );
    if (ahead.length > 0) return { kind: 'gap', to: Math.min(...ahead) };
    return this.#messages.length > 0 ? { kind: 'gap', to: null } : { kind: 'nothing' };
  }

  /** A chunk of the same batch, wherever it is in the buffer. */
  chunk(of: BatchHeader, chunk: number): BufferedMessage | undefined {
    return this.#messages.find(({ header }) => header.chunk === chunk && isSameBatch(header, of));
  }

  /** True when messages behind the chunk are buffered already, so that it will not come any more. */
  isPast(of: BatchHeader, chunk: number): boolean {
    return this.#messages.some(({ header }) =>
      isSameBatch(header, of) ? header.chunk > chunk : header.prev.tick >= of.tick.tick,
    );
  }

  drop(message: BufferedMessage): void {
    this.#retain((one) => one !== message);
  }

  /** Drops all chunks of a batch. */
  dropBatch(of: BatchHeader): void {
    this.#retain(({ header }) => !isSameBatch(header, of));
  }

  /** Reads again from a sequence on. */
  rewind(from: number): void {
    this.#reader.close();
    this.#retain(() => false);
    if (this.#closed) return;
    this.#reader = this.#options.open(from);
    void this.#pump(this.#reader);
  }

  close(): void {
    this.#closed = true;
    this.#reader.close();
    this.#retain(() => false);
  }

  #retain(isWanted: (message: BufferedMessage) => boolean): void {
    if (this.#messages.length > 0) {
      this.#messages = this.#messages.filter((one) => {
        if (isWanted(one)) return true;
        this.#bytes -= one.body.length;
        return false;
      });
    }
    if (!this.#isFull()) this.#resume?.();
  }

  #isFull(): boolean {
    return this.#bytes >= (this.#options.maxBytes ?? defaultMaxBytes);
  }

  async #pump(reader: Reader): Promise<void> {
    for await (const item of reader) {
      if (reader !== this.#reader) return;
      // After a reset everything comes again. What is buffered stays valid, and duplicates are harmless.
      if (item.kind === 'reset') continue;
      const message = this.#decode(item);
      if (message === undefined) continue;
      this.#messages.push(message);
      this.#bytes += message.body.length;
      this.#options.onArrival();
      if (this.#isFull()) await new Promise<void>((resolve) => (this.#resume = resolve));
      if (reader !== this.#reader) return;
    }
  }

  #decode(item: Delivered): BufferedMessage | undefined {
    const { subject, sequence, data } = item;
    const read = readMessage(this.#options.keyring, item);
    const refused = read.kind === 'refused' ? read : this.#misplaced(read.message.header);
    if (refused === undefined && read.kind === 'message')
      return { ...(read.message as Message<BatchHeader>), sequence };
    const { reason = '', isForeign = false } = refused ?? {};
    this.#options.onRefused({ subject, sequence, bytes: data.length, reason }, isForeign);
    this.#options.onArrival();
    return undefined;
  }

  #misplaced(header: Message['header']): { reason: string; isForeign: boolean } | undefined {
    const isForeign = false;
    if (header.kind !== 'batch') return { reason: 'message refused: not a batch', isForeign };
    if (header.queue !== this.#options.queue) return { reason: 'message refused: of another queue', isForeign };
    if (header.prev.tick >= header.tick.tick) return { reason: 'message refused: ticks in reverse', isForeign };
    return undefined;
  }
}

function isSameBatch(a: BatchHeader, b: BatchHeader): boolean {
  return isSameTick(a.tick, b.tick) && isSameTick(a.prev, b.prev) && a.provider === b.provider;
}

function endsAt(header: BatchHeader, { fingerprint, provider }: ProviderPosition): boolean {
  return header.tick.fingerprint === fingerprint && header.provider === provider;
}

function beginsAt(header: BatchHeader, { fingerprint, provider }: ProviderPosition): boolean {
  return header.prev.fingerprint === fingerprint && header.provider === provider;
}
