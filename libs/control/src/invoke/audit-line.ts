import type { Config } from '@millrace/config';
import { codes, toMillraceError } from '@millrace/errors';
import { beginCommand, endCommand } from '@millrace/provider';
import type { Arguments, AuditedAt, Command, Context } from '../command/command.ts';
import { Side } from '../sides/side.ts';
import { argumentText } from './argument-text.ts';

/** An audit must not keep a command waiting for a provider that does not answer. */
const connectMs = 2_000;

/** What is needed to know of who asks. */
type Asking = Pick<Context, 'config' | 'actor' | 'note'>;

/** How a command ended. */
interface End {
  readonly outcome: 'done' | 'failed';
  readonly error?: unknown;
}

/**
 * The line of one command in the provider's audit: written before anything is changed, completed afterwards. What keeps it
 * from being written is told to the person and changes nothing about the command. A host without the provider writes none.
 */
export class AuditLine {
  readonly #context: Asking;
  readonly #at: AuditedAt | undefined;
  readonly #name: string;
  readonly #arguments: string;
  #id: number | undefined;
  #open: boolean;

  private constructor(context: Asking, at: AuditedAt | undefined, { name, text }: { name: string; text: string }) {
    this.#context = context;
    this.#at = at;
    this.#name = name;
    this.#arguments = text;
    this.#open = at !== undefined;
  }

  /** Throws CONFIG when there is no configuration; nothing else. */
  static async begin(context: Context, command: Command, args: Arguments): Promise<AuditLine> {
    const at = command.audited?.(await context.config(), args);
    const text = command.auditText?.(args) ?? argumentText(command, args);
    return AuditLine.open(context, { name: command.name, text }, at);
  }

  /** The same for what was typed in another language. `text` must hold no secrets. */
  static async open(
    context: Asking,
    said: { readonly name: string; readonly text: string },
    at?: AuditedAt,
  ): Promise<AuditLine> {
    const line = new AuditLine(context, at ?? atProvider(await context.config()), said);
    await line.#write((side) => line.#begin(side));
    return line;
  }

  async end({ outcome, error }: End): Promise<void> {
    const code = error === undefined ? null : toMillraceError(error).code;
    await this.#write(async (side) => {
      // `install` has only now made the table.
      if (this.#id === undefined) await this.#begin(side);
      await endCommand(side.client, this.#id ?? 0, { outcome, error: code });
    });
  }

  async #begin(side: Side): Promise<void> {
    const command = {
      queue: this.#at?.queue ?? '',
      actor: this.#context.actor,
      name: this.#name,
      arguments: this.#arguments,
    };
    this.#id = await beginCommand(side.client, command);
  }

  async #write(work: (side: Side) => Promise<void>): Promise<void> {
    const url = this.#at?.url;
    if (!this.#open || url === undefined) return;
    try {
      const side = await Side.open(url, 'the provider', connectMs);
      await work(side).finally(() => side.close());
    } catch (error) {
      const { code, message } = toMillraceError(error);
      // Not installed yet, or not any more: there is no audit to write to.
      if (code === codes.NOT_INSTALLED) return;
      this.#open = false;
      this.#context.note(`this command could not be noted in the provider's audit: ${message}`);
    }
  }
}

function atProvider({ provider, queue }: Config): AuditedAt | undefined {
  return provider === undefined ? undefined : { url: provider.url, queue };
}
