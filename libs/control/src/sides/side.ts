import { codes, MillraceError } from '@millrace/errors';
import { connect, databaseError, databaseLabel, type PgClient, pinSettings, sqlstateOf } from '@millrace/postgres';
import { sqlText } from '../command/sql-text.ts';

/** Schema, table or function of ours that is not there. */
const notThere = new Set(['3F000', '42P01', '42883']);

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
    try {
      const client = await connect(url, { applicationName: 'millrace admin', connectTimeoutMs });
      await pinSettings(client);
      return new Side(client, label);
    } catch (error) {
      const known = databaseError(error, `${label} at ${databaseLabel(url)}`);
      throw new MillraceError(known.code, `${label}: ${known.message}`, { cause: error });
    }
  }

  /** Runs the statement in `sql/NAME.sql`. Errors name the side, and say NOT_INSTALLED when our schema is missing. */
  async run<Row = Record<string, unknown>>(name: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.query<Row>(await sqlText(name), values);
  }

  /** Runs a statement; errors as those of `run`. */
  async query<Row = Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const result = await this.asked(() => this.client.query(sql, [...values]));
    return result.rows as Row[];
  }

  /** Runs work on the session and gives its errors this side's name. */
  async asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#named(error);
    }
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => {});
  }

  #named(error: unknown): MillraceError {
    const state = sqlstateOf(error);
    if (state !== undefined && notThere.has(state)) {
      return new MillraceError(codes.NOT_INSTALLED, `${this.label}: Millrace is not installed there`, {
        advice: 'run `millrace install`',
        cause: error,
      });
    }
    return databaseError(error, this.label);
  }
}
