import type { Config } from '@millrace/config';
import type { Status } from '@millrace/control/status';
import { gather, mostAgeMs, type Replica, replicaOf, statusOf, type Wanted } from '@millrace/control/status';
import { codes, MillraceError } from '@millrace/errors';

interface Look {
  readonly at: number;
  readonly status: Promise<Status>;
}

/**
 * Looks at single subscribers on demand: a load balancer that asks for one must not wait for another that hangs. Answers are
 * shared for as long as the asked lag allows.
 */
export class ReplicaWatch {
  readonly #config: Config;
  readonly #looks = new Map<string, Look>();

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
    const look = this.#look(name, mostAgeMs(wanted));
    const status = await look.status;
    const one = status.subscribers.find((subscriber) => subscriber.name === name);
    if (one === undefined) throw new MillraceError(codes.INTERNAL, `nothing was learnt of subscriber ${name}`);
    return replicaOf(status, one, wanted, performance.now() - look.at);
  }

  #look(name: string, mostMs: number): Look {
    const now = performance.now();
    const last = this.#looks.get(name);
    if (last !== undefined && now - last.at <= mostMs) return last;
    const look = { at: now, status: gather(this.#config, name).then((found) => statusOf(found)) };
    this.#looks.set(name, look);
    return look;
  }
}
