// Capture's lead: a session lock at the provider. A leader that was frozen may outlive it by a moment: what it writes is
// fenced by the stream's last sequence.
import type { Lease } from '@millrace/lifecycle';
import { databaseError, type PgClient, tryLead } from '@millrace/postgres';
import type { CaptureOptions } from './config.ts';
import { closeSession, openSession } from './session.ts';

/** The lead, with the session it lives in, which is for short questions only. */
export type CaptureLease = Lease & {
  readonly client: PgClient;
  /** Says that the session is not to be trusted any more: the lead ends and is asked for anew. */
  abandon(): void;
};

const answerMs = 12_000;

/** Asks for the lead on one session, kept between the questions of a stand-by. */
export class LeadSession {
  readonly #options: CaptureOptions;
  #client: PgClient | undefined;
  #lost = Promise.withResolvers<unknown>();

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** The lead, or null while a twin has it. Throws DATABASE_UNREACHABLE and the like; the next call connects anew. */
  async tryLead(): Promise<CaptureLease | null> {
    try {
      this.#client ??= await this.#open();
      const client = this.#client;
      if (!(await tryLead(client, `capture:${this.#options.queue}`))) return null;
      const { promise: lost, resolve } = this.#lost;
      return { client, lost, abandon: () => resolve(undefined), release: () => this.close() };
    } catch (error) {
      await this.close();
      throw databaseError(error, 'asking for the lead of capture');
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await closeSession(client);
  }

  async #open(): Promise<PgClient> {
    const lost = Promise.withResolvers<unknown>();
    this.#lost = lost;
    const { providerUrl, releaseMs, standbyMs } = this.#options;
    let client: PgClient | undefined;
    client = await openSession(providerUrl, {
      applicationName: 'millrace capture',
      silenceMs: 5000 + 3 * Math.max(releaseMs, standbyMs),
      answerMs,
      onLost: (error) => {
        if (this.#client === client) this.#client = undefined;
        lost.resolve(error);
      },
    });
    return client;
  }
}
