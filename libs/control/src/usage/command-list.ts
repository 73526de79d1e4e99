import type { Command } from '../command/command.ts';

/** By name (`add`, `queue create`), in the order of the help. */
export type CommandLoaders = Readonly<Record<string, () => Promise<Command>>>;

/** The commands that a program knows. */
export interface CommandList {
  readonly names: readonly string[];
  /** The commands of a group: `queue` has `queue create`, …; empty when there is no such group. */
  group(name: string): string[];
  /** The command of that name. Throws USAGE when there is none. */
  load(name: string): Promise<Command>;
}

/** Each command's module is loaded when it is needed, so that a short command does not pay for a long one. */
export function commandList(loaders: CommandLoaders): CommandList {
  const names = Object.keys(loaders);
  const group = (name: string): string[] => names.filter((one) => one.startsWith(`${name} `));
  return {
    names,
    group,
    load: (name) => {
      const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
      return load === undefined ? refuse(name, { names, group }) : load();
    },
  };
}

async function refuse(name: string, { names, group }: Pick<CommandList, 'names' | 'group'>): Promise<never> {
  const { codes, MillraceError } = await import('@millrace/errors');
  const [first = ''] = name.split(' ');
  const members = group(first);
  if (members.length > 0) {
    const verbs = members.map((one) => one.slice(first.length + 1)).join(', ');
    const what = name === first ? `${first}: a verb is missing` : `unknown command ${JSON.stringify(name)}`;
    throw new MillraceError(codes.USAGE, what, { advice: `verbs of ${first} are ${verbs}` });
  }
  throw new MillraceError(codes.USAGE, `unknown command ${JSON.stringify(name)}`, {
    advice: `commands are ${names.join(', ')}`,
  });
}
