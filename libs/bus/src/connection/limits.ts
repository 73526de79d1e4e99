import { apiCodeOf, busError, isMissing } from './bus-errors.ts';
import type { Bus } from './connect.ts';

/** What the present server and our account on it allow. */
export interface BusLimits {
  readonly version: string;
  /** Largest message, bytes. */
  readonly maxPayload: number;
  /** False: the server, or our account, has no JetStream. */
  readonly jetStream: boolean;
  /** Bytes that our account's streams take on disk, and may take; limit undefined: as much as the server has. */
  readonly storage: { readonly used: number; readonly limit: number | undefined };
}

/** "JetStream not enabled", and the same for the account. */
const off = new Set([10039, 10076]);

/** Queries the server. Throws BUS_UNAVAILABLE, BUS_REFUSED. */
export async function busLimits(bus: Bus): Promise<BusLimits> {
  const about = { version: bus.connection.info?.version ?? 'unknown', maxPayload: bus.maxPayload() };
  try {
    const { storage, limits } = await bus.streams.getAccountInfo();
    const limit = limits.max_storage >= 0 ? limits.max_storage : undefined;
    return { ...about, jetStream: true, storage: { used: storage, limit } };
  } catch (error) {
    if (!isMissing(error) && !off.has(apiCodeOf(error) ?? 0)) throw busError(error, 'asking for the limits');
    return { ...about, jetStream: false, storage: { used: 0, limit: undefined } };
  }
}
