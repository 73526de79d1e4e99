import { type ErrorCode, MillraceError } from '@millrace/errors';
import type { Gathered } from './gather.ts';

/** A list needs the provider or, on a host without one, a subscriber. Throws the fault of the one that did not answer. */
export function refuseWithoutAnswer({ provider, subscribers }: Gathered): void {
  if (provider.kind === 'answer') return;
  if (provider.kind === 'absent' && subscribers.some(({ database }) => database.kind === 'answer')) return;
  const fault =
    provider.kind === 'fault'
      ? provider.fault
      : subscribers.map(({ database }) => database).find((d) => d.kind === 'fault')?.fault;
  throw new MillraceError(
    (fault?.code ?? 'config') as ErrorCode,
    fault?.message ?? 'the configuration names no database',
  );
}
