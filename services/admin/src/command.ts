import type { Config } from '@millrace/config';

/** One option of a command, from which parsing and help both derive. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  /** May be given several times, or followed by several words. */
  readonly multiple?: boolean;
  /** How its value is called in the help: NAME. */
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
  /** One line for people, to stderr. */
  note(line: string): void;
  /** The command's result: a JSON document with `--json`, else the text, to stdout. */
  result(document: unknown, text: string): void;
}

/** One verb of the command line. */
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
  /** Resolves to the exit code. */
  run(context: Context, args: Arguments): Promise<number>;
}
