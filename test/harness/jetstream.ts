import { connect, type NatsConnection } from '@nats-io/transport-node';

interface StreamInfo {
  readonly config: { readonly name: string };
  readonly state: { readonly messages: number; readonly first_seq: number; readonly last_seq: number };
}

/** A hand on JetStream's own API, for what only a careless administrator would do. */
export class JetStreamHand {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async streams(): Promise<StreamInfo[]> {
    const answer = await this.#ask<{ streams?: StreamInfo[] | null }>('STREAM.LIST', {});
    return answer.streams ?? [];
  }

  /** The stream's configuration as JetStream tells it. */
  async config(stream: string): Promise<Record<string, unknown>> {
    const answer = await this.#ask<{ config: Record<string, unknown> }>(`STREAM.INFO.${stream}`, {});
    return answer.config;
  }

  /** Changes some of the stream's configuration. Throws when the server refuses. */
  async update(stream: string, change: Readonly<Record<string, unknown>>): Promise<void> {
    const config = { ...(await this.config(stream)), ...change };
    const answer = await this.#ask<{ error?: { description: string } }>(`STREAM.UPDATE.${stream}`, config);
    if (answer.error !== undefined) throw new Error(answer.error.description);
  }

  async purge(stream: string): Promise<void> {
    await this.#ask(`STREAM.PURGE.${stream}`, {});
  }

  async deleteStream(stream: string): Promise<void> {
    await this.#ask(`STREAM.DELETE.${stream}`, {});
  }

  /** Deletes the message with this sequence number; false when there is none. */
  async deleteMessage(stream: string, seq: number): Promise<boolean> {
    const answer = await this.#ask<{ success?: boolean }>(`STREAM.MSG.DELETE.${stream}`, { seq });
    return answer.success === true;
  }

  async deleteConsumers(stream: string): Promise<number> {
    const answer = await this.#ask<{ consumers?: string[] | null }>(`CONSUMER.NAMES.${stream}`, {});
    const names = answer.consumers ?? [];
    for (const name of names) await this.#ask(`CONSUMER.DELETE.${stream}.${name}`, {});
    return names.length;
  }

  /** The stored bytes of a message. */
  async message(stream: string, seq: number): Promise<{ subject: string; data: Buffer }> {
    const answer = await this.#ask<{ message: { subject: string; data: string } }>(`STREAM.MSG.GET.${stream}`, { seq });
    return { subject: answer.message.subject, data: Buffer.from(answer.message.data, 'base64') };
  }

  /** Publishes as anybody could who may write to the subject. */
  async publish(subject: string, data: Uint8Array): Promise<void> {
    await this.#connected(async (connection) => {
      connection.publish(subject, data);
      await connection.flush();
    });
  }

  async #ask<T>(operation: string, body: object): Promise<T> {
    return this.#connected(async (connection) => {
      const reply = await connection.request(`$JS.API.${operation}`, JSON.stringify(body), { timeout: 3000 });
      return reply.json<T>();
    });
  }

  async #connected<T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: this.#url, reconnect: false, timeout: 3000 });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }
}
