import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';

/**
 * The subscribers a command is about: those named (also as `a,b`), else all that are known. Throws USAGE for an
 * unknown name, listing the known ones.
 */
export function chooseSubscribers(named: readonly string[], known: readonly string[]): string[] {
  const wanted = [...new Set(named.flatMap((word) => word.split(',')).filter((word) => word !== ''))];
  if (named.length === 0) return [...known];
  if (wanted.length === 0) throw new MillraceError(codes.USAGE, '--subscriber names no subscriber');
  for (const name of wanted) {
    if (known.includes(name)) continue;
    const list = known.length === 0 ? 'there is none' : `there is ${known.join(', ')}`;
    throw new MillraceError(codes.USAGE, `unknown subscriber ${JSON.stringify(name)}; ${list}`);
  }
  return wanted;
}

/** Names in the configuration and at the provider, sorted, each once. */
export function knownSubscribers(config: Config, atProvider: readonly { readonly name: string }[] = []): string[] {
  return [...new Set([...Object.keys(config.subscribers), ...atProvider.map(({ name }) => name)])].sort();
}

/** Those of them whose database this configuration can reach. */
export function reachable(config: Config, names: readonly string[]): string[] {
  return names.filter((name) => Object.hasOwn(config.subscribers, name) && config.subscribers[name]?.url !== undefined);
}
