import { apiCodeOf, apiCodes, busError } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';

/** Somebody who reads a subject of a stream with `openReader`, as the server sees it. */
export interface ReaderState {
  /** Messages of the subject not given to it yet. */
  readonly pending: number;
  /** Sequence of the last message given to it. */
  readonly delivered: number;
}

/** Who reads exactly this subject now. Readers that died show up for a minute more. */
export async function readersOf(bus: Bus, stream: string, subject: string): Promise<ReaderState[]> {
  const readers: ReaderState[] = [];
  try {
    for await (const info of bus.streams.consumers.list(stream)) {
      if (info.config.filter_subject !== subject) continue;
      readers.push({ pending: info.num_pending, delivered: info.delivered.stream_seq });
    }
  } catch (error) {
    if (apiCodeOf(error) === apiCodes.streamNotFound) return [];
    throw busError(error, `looking at the readers of ${stream}`);
  }
  return readers;
}
