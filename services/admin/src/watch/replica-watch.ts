import type { Config } from '@millrace/config';
import { withinBounds } from '@millrace/control/sides';
import type { Status } from '@millrace/control/status';
import { gather, maxAgeMs, type Replica, replicaOf, statusOf, type Wanted } from '@millrace/control/status';
import { codes, MillraceError } from '@millrace/errors';
import { SharedResult } from './shared-result.ts';
import { maxGatherMs } from './status-watch.ts';

/**
 * Reads the status of single subscribers on demand: a load balancer that requests one must not wait for another that hangs.
 * Answers are shared for as long as the requested lag allows.
 */
export class ReplicaWatch {
  readonly #config: Config;
  readonly #statuses = new Map<string, SharedResult<Status>>();

  constructor(config: Config) {
    this.#config = config;
  }

  /** Every subscriber of the configuration. */
  async all(wanted: Wanted): Promise<Replica[]> {
    return Promise.all(Object.keys(this.#config.subscribers).map((name) => this.one(name, wanted)));
  }

  /** Throws NOT_FOUND for a name that the configuration does not have. */
  async one(name: string, wanted: Wanted): Promise<Replica> {
    if (!Object.hasOwn(this.#config.subscribers, name)) {
      throw new MillraceError(codes.NOT_FOUND, `there is no subscriber ${JSON.stringify(name)}`);
    }
    const { at, value } = await this.#statusOf(name).get(maxAgeMs(wanted));
    const status = await value;
    const one = status.subscribers.find((subscriber) => subscriber.name === name);
    if (one === undefined) throw new MillraceError(codes.INTERNAL, `nothing was learnt of subscriber ${name}`);
    return replicaOf(status, one, wanted, performance.now() - at);
  }

  #statusOf(name: string): SharedResult<Status> {
    const known = this.#statuses.get(name);
    if (known !== undefined) return known;
    const status = new SharedResult(async () =>
      statusOf(await withinBounds({ maxMs: maxGatherMs }, () => gather(this.#config, name))),
    );
    this.#statuses.set(name, status);
    return status;
  }
}
