import type { Reader } from '@millrace/bus';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { isSameTick, type Position } from '@millrace/model';
import { type BatchHeader, decodeMessage, type Message } from '@millrace/wire';

/** A message of a subject, decoded, not yet used. */
export interface Held {
  readonly sequence: number;
  readonly message: Message<BatchHeader>;
}

/** A message that will not be applied, and why. */
export interface Refusal {
  readonly subject: string;
  readonly sequence: number;
  readonly bytes: number;
  readonly reason: string;
}

export interface LaneOptions {
  readonly queue: string;
  readonly open: (from: number) => Reader;
  /** First sequence wanted. */
  readonly from: number;
  readonly onRefused: (refusal: Refusal) => void;
  /** Called whenever there is something new to look at. */
  readonly onNews: () => void;
  /** Bytes held and not yet used. Default 8 MiB. */
  readonly limitBytes?: number;
}

/** What a lane has for a position. */
export type Found =
  | { readonly kind: 'batch'; readonly at: number }
  /** The next batch here begins later than where we stand, or lacks its beginning. */
  | { readonly kind: 'gap'; readonly to: number | null }
  /** A message speaks of our tick with another fingerprint or provider. */
  | { readonly kind: 'history' }
  | { readonly kind: 'nothing' };

/** Messages of one subject in memory, within bounds, from which batches are picked by position. */
export class Lane {
  readonly #options: LaneOptions;
  #held: Held[] = [];
  #bytes = 0;
  #reader: Reader;
  #room: (() => void) | undefined;
  #closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#reader = options.open(options.from);
    void this.#pump(this.#reader);
  }

  get held(): readonly Held[] {
    return this.#held;
  }

  /** Forgets what `position` has passed, then looks for the batch that begins there. */
  find(position: Position, provider: string): Found {
    const history = this.#held.some(
      ({ message: { header } }) => header.tick.tick === position.tick && !sameEnd(header, position, provider),
    );
    this.#keep(({ message }) => message.header.tick.tick > position.tick);
    const at = this.#held.findIndex(
      ({ message: { header } }) =>
        header.chunk === 0 && header.provider === provider && isSameTick(header.prev, position),
    );
    if (at >= 0) return { kind: 'batch', at };
    if (
      history ||
      this.#held.some(
        ({ message: { header } }) => header.prev.tick === position.tick && !sameStart(header, position, provider),
      )
    ) {
      return { kind: 'history' };
    }
    const ahead = this.#held.filter(
      ({ message: { header } }) => header.chunk === 0 && header.prev.tick > position.tick,
    );
    if (ahead.length > 0) return { kind: 'gap', to: Math.min(...ahead.map(({ message }) => message.header.prev.tick)) };
    return this.#held.length > 0 ? { kind: 'gap', to: null } : { kind: 'nothing' };
  }

  /** The chunk of the same batch, wherever it stands among what is held. */
  chunk(of: BatchHeader, chunk: number): Held | undefined {
    return this.#held.find(({ message: { header } }) => header.chunk === chunk && isSameBatch(header, of));
  }

  /** True when messages behind the batch are here already, so that a missing chunk of it will not come any more. */
  isPast(of: BatchHeader, chunk: number): boolean {
    return this.#held.some(({ message: { header } }) =>
      isSameBatch(header, of) ? header.chunk > chunk : header.prev.tick >= of.tick.tick,
    );
  }

  /** Forgets a message: it was used, or it is no good. */
  drop(held: Held): void {
    this.#keep((one) => one !== held);
  }

  /** Forgets all chunks of a batch. */
  dropBatch(of: BatchHeader): void {
    this.#keep(({ message }) => !isSameBatch(message.header, of));
  }

  /** Reads again from a sequence on. */
  rewind(from: number): void {
    this.#reader.close();
    this.#keep(() => false);
    if (this.#closed) return;
    this.#reader = this.#options.open(from);
    void this.#pump(this.#reader);
  }

  close(): void {
    this.#closed = true;
    this.#reader.close();
    this.#keep(() => false);
  }

  #keep(wanted: (held: Held) => boolean): void {
    if (this.#held.length > 0) {
      this.#held = this.#held.filter((held) => {
        if (wanted(held)) return true;
        this.#bytes -= held.message.body.length;
        return false;
      });
    }
    if (this.#hasRoom()) this.#room?.();
  }

  #hasRoom(): boolean {
    return this.#bytes < (this.#options.limitBytes ?? 8 * 1024 * 1024);
  }

  async #pump(reader: Reader): Promise<void> {
    for await (const item of reader) {
      if (reader !== this.#reader) return;
      // After a reset everything comes again; what is held is still good, and doubles do no harm.
      if (item.kind === 'reset') continue;
      const message = this.#decode(item);
      if (message === undefined) continue;
      this.#held.push({ sequence: item.sequence, message });
      this.#bytes += message.body.length;
      this.#options.onNews();
      if (!this.#hasRoom()) await new Promise<void>((resolve) => (this.#room = resolve));
      if (reader !== this.#reader) return;
    }
  }

  #decode(item: {
    readonly sequence: number;
    readonly subject: string;
    readonly data: Buffer;
  }): Message<BatchHeader> | undefined {
    try {
      const { header, body } = decodeMessage(item.data);
      if (header.kind !== 'batch') throw new MillraceError(codes.BAD_MESSAGE, 'message refused: not a batch');
      if (header.queue !== this.#options.queue)
        throw new MillraceError(codes.BAD_MESSAGE, 'message refused: of another queue');
      if (header.prev.tick >= header.tick.tick)
        throw new MillraceError(codes.BAD_MESSAGE, 'message refused: ticks in reverse');
      return { header, body };
    } catch (error) {
      const { subject, sequence, data } = item;
      this.#options.onRefused({ subject, sequence, bytes: data.length, reason: toMillraceError(error).message });
      this.#options.onNews();
      return undefined;
    }
  }
}

function isSameBatch(a: BatchHeader, b: BatchHeader): boolean {
  return isSameTick(a.tick, b.tick) && isSameTick(a.prev, b.prev) && a.provider === b.provider;
}

function sameEnd(header: BatchHeader, position: Position, provider: string): boolean {
  return header.tick.fingerprint === position.fingerprint && header.provider === provider;
}

function sameStart(header: BatchHeader, position: Position, provider: string): boolean {
  return header.prev.fingerprint === position.fingerprint && header.provider === provider;
}
