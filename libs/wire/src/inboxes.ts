import { busToken } from '@millrace/model';

/** Who connects to the bus: `admin` beside the provider, `host` where only subscribers are. */
export type BusRole = 'ticker' | 'capture' | 'admin' | 'replay' | 'host';

/**
 * What the inboxes of one program begin with, so that its user may read its own answers and nobody else's. `name`: of the
 * subscriber, for `replay` and `host`. Below `_INBOX`, which users of before are allowed as a whole.
 */
export const inboxPrefix = (queue: string, role: BusRole, name?: string): string =>
  `_INBOX.millrace.${busToken(queue)}.${role}${name === undefined ? '' : `.${busToken(name)}`}`;
