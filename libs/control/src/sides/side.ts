import { codes, MillraceError } from '@millrace/errors';
import {
  connect,
  databaseLabel,
  disconnect,
  dropSession,
  type PgClient,
  pinSettings,
  sqlstateOf,
  statementError,
} from '@millrace/postgres';
import { bindSession, bindStatements } from './session-scope.ts';

/** Schema, table or function of ours that is not there. */
const notThere = new Set(['3F000', '42P01', '42883']);

/** Longest wait for a lock of a statement that changes tables others may use; then it is tried again. */
export const lockTimeout = '500ms';

/** A session in one of the databases, and the words that name it in messages. */
export class Side {
  readonly client: PgClient;
  /** `the provider` or `subscriber eu`. */
  readonly label: string;

  private constructor(client: PgClient, label: string) {
    this.client = client;
    this.label = label;
  }

  /** Throws DATABASE_UNREACHABLE, PERMISSION or DATABASE_REFUSED naming the side. */
  static async open(url: string, label: string, connectTimeoutMs = 5_000): Promise<Side> {
    let client: PgClient | undefined;
    try {
      client = await connect(url, { applicationName: 'millrace admin', connectTimeoutMs });
      bindSession(client);
      await pinSettings(client);
      await bindStatements(client);
      return new Side(client, label);
    } catch (error) {
      dropSession(client);
      const known = statementError(error, `${label} at ${databaseLabel(url)}`);
      throw new MillraceError(known.code, `${label}: ${known.message}`, { cause: error });
    }
  }

  /** Runs work on the session; its errors name this side, and say NOT_INSTALLED when our schema is missing. */
  async run<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    try {
      return await work(this.client);
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** Never throws, and does not wait for a server that does not answer. */
  close(): Promise<void> {
    return disconnect(this.client);
  }

  #named(error: unknown): MillraceError {
    const state = sqlstateOf(error);
    if (state !== undefined && notThere.has(state)) {
      return new MillraceError(codes.NOT_INSTALLED, `${this.label}: Millrace is not installed there`, {
        advice: 'run `millrace install`',
        cause: error,
      });
    }
    return statementError(error, this.label);
  }
}
