import type { Config } from '@millrace/config';
import { codes, toMillraceError } from '@millrace/errors';
import { beginCommand, endCommand } from '@millrace/provider';
import { redactText } from '@millrace/telemetry';
import type { Arguments, AuditedAt, Command, Context } from '../command/command.ts';
import { Side } from '../sides/side.ts';

/** An audit must not keep a command waiting for a provider that does not answer. */
const connectMs = 2_000;
const maxTextLength = 2_000;

/** What is needed of a command's context. */
type AuditContext = Pick<Context, 'config' | 'actor' | 'note'>;

/** How a command ended. */
interface End {
  readonly outcome: 'done' | 'failed';
  readonly error?: unknown;
}

/**
 * The entry of one command in the provider's audit: written before anything is changed, completed afterwards. When it cannot be
 * written, the operator is told so and the command runs nevertheless. A host without the provider writes none.
 */
export class AuditEntry {
  readonly #context: AuditContext;
  readonly #at: AuditedAt | undefined;
  readonly #name: string;
  readonly #arguments: string;
  #id: number | undefined;
  #open: boolean;

  private constructor(
    context: AuditContext,
    at: AuditedAt | undefined,
    { name, text }: { name: string; text: string },
  ) {
    this.#context = context;
    this.#at = at;
    this.#name = name;
    this.#arguments = text;
    this.#open = at !== undefined;
  }

  /** Throws CONFIG when there is no configuration; nothing else. */
  static async begin(context: Context, command: Command, args: Arguments): Promise<AuditEntry> {
    const at = command.audited?.(await context.config(), args);
    const text = command.auditText?.(args) ?? argumentText(command, args);
    return AuditEntry.open(context, { name: command.name, text }, at);
  }

  /** The same for a command of another program. `text` must hold no secrets. */
  static async open(
    context: AuditContext,
    given: { readonly name: string; readonly text: string },
    at?: AuditedAt,
  ): Promise<AuditEntry> {
    const entry = new AuditEntry(context, at ?? atProvider(await context.config()), given);
    await entry.#write((side) => entry.#begin(side));
    return entry;
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

/** What was typed after a command's name, for the audit: words first, then options, without `--yes` and secrets. */
export function argumentText(command: Command, args: Arguments): string {
  const options = Object.entries(command.options).flatMap(([name, { type }]) => {
    if (!args.has(name)) return [];
    return type === 'boolean' ? [`--${name}`] : [`--${name}`, ...args.values(name)];
  });
  const text = redactText([...args.words, ...options].map(quoted).join(' '));
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)} …`;
}

/** As a shell would want it. */
function quoted(word: string): string {
  return /^[\w.,:=/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
