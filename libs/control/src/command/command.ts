import type { Config } from '@millrace/config';
import type { z } from 'zod';

/** One option of a command, from which parsing and help both derive. */
export interface OptionSpec {
  /** `number`: a whole number from 0 on, still handed over as text. */
  readonly type: 'boolean' | 'string' | 'number';
  /** May be given several times, or followed by several words. */
  readonly multiple?: boolean;
  /** The name of its value in the help: NAME. */
  readonly value?: string;
  readonly help: string;
}

/** What a person typed after the command, checked. */
export interface Arguments {
  readonly words: readonly string[];
  /** True when the option was given. */
  has(option: string): boolean;
  /** Its value, the last one if given twice; undefined when not given. */
  value(option: string): string | undefined;
  /** All values of an option that may be repeated. */
  values(option: string): readonly string[];
}

/** What a command works with. Opening the configuration is left to the command, so that help needs none. */
export interface Context {
  /** The configuration; throws CONFIG. */
  config(): Promise<Config>;
  /** The file that was named by `--config`, if any. */
  readonly configFile: string | undefined;
  readonly json: boolean;
  /** Who gives the command, for the audit: `user@host`, or the client of a request over HTTP. */
  readonly actor: string;
  /** Longest wait that is allowed here, ms; left out: any. What would wait longer gives up then. */
  readonly maxWaitMs?: number;
  /** Asks the operator; undefined where there is none, as over HTTP. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
  /** The lines of stdin; left out where there is none, as over HTTP. */
  readonly input?: () => AsyncIterable<string>;
  /** One line for people, to stderr. */
  note(line: string): void;
  /** The command's result: a JSON document with `--json`, else the text, to stdout. */
  result(document: unknown, text: string): void;
}

/**
 * What a command does. `reads`: changes nothing. `changes`: leaves an entry in the audit at the provider. `serves`: runs until
 * it is stopped.
 */
export type Effect = 'reads' | 'changes' | 'serves';

/** A command that removes something asks for a confirmation. The option `--yes`, and `confirm` over HTTP, come with this. */
export interface Confirmation {
  /** What will be lost, in one sentence; undefined: with these arguments nothing is. */
  readonly warning: (args: Arguments) => string | undefined;
  /** Without an operator at a terminal: refused without `--yes`, or done. Over HTTP a confirmation is always needed. */
  readonly unattended: 'refuse' | 'go-on';
}

/** The audit to which a command's entry is written. */
export interface AuditedAt {
  readonly url: string;
  readonly queue: string;
}

/** What a command is over HTTP: /api/v1/NAME; its options are the properties, with `_` for `-`. */
export interface Api {
  /**
   * The property that holds the command's words, or one for each of them, the last for all that follow; left out when it takes
   * none.
   */
  readonly words?: string | readonly string[];
  /** Longest word or option, in characters; default 1,000. */
  readonly maxLength?: number;
  /** The document of `--json`; null: the command has none. */
  readonly result: z.ZodType;
  /** Default: POST, and GET for a command that only reads. A reading command that takes long or many arguments is a POST. */
  readonly method?: 'POST';
  /** A GET that needs the token when one is set: its answer is not public. */
  readonly guarded?: true;
  /** A GET that holds sessions for as long as its caller lets it wait: it has few places of its own, and `maxWaitMs`. */
  readonly waits?: true;
  /** A GET whose answer is true for its moment alone: never one that was given to another request. */
  readonly momentary?: true;
}

/** One verb of the command line and of the HTTP API. Run it with runCommand, never directly. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the name: `TABLE… [--all]`. */
  readonly usage: string;
  readonly example: string;
  /** More sentences for `--help`. */
  readonly more?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** How many words it takes; the second is Infinity when there is no limit. */
  readonly words: readonly [number, number];
  readonly effect: Effect | ((args: Arguments) => Effect);
  readonly confirm?: Confirmation;
  /** Its text is a script for another program: unchanged unless it goes to a terminal. */
  readonly isScript?: true;
  /** The audit that is written to, where that is not the set's; throws CONFIG. */
  readonly audited?: (config: Config, args: Arguments) => AuditedAt;
  /** What of the arguments the audit shows, where not all of them: values of rows do not belong there. */
  readonly auditText?: (args: Arguments) => string;
  /** Left out: not over HTTP. */
  readonly api?: Api;
  /** Throws USAGE for wrong arguments, before any confirmation and any entry in the audit. */
  readonly check?: (args: Arguments, context: Context) => void | Promise<void>;
  /** Resolves to the exit code. */
  run(context: Context, args: Arguments): Promise<number>;
}
