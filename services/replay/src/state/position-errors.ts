import { codes, MillraceError } from '@millrace/errors';
import type { StoredPosition } from '@millrace/subscriber';

interface OwnName {
  readonly queue: string;
  readonly subscriber: string;
}

/** There is no row that says where the subscriber stands. */
export function noPosition(queue: string): MillraceError {
  return new MillraceError(codes.POSITION, `the subscriber has no position for queue ${queue}`, {
    advice: 'run `millrace install`; if the row was lost, the tables must be copied again',
  });
}

/** The row is another subscriber's. */
export function otherName(found: StoredPosition, { queue, subscriber }: OwnName): MillraceError {
  return new MillraceError(
    codes.POSITION,
    `this database follows queue ${queue} as subscriber ${found.subscriber}, not ${subscriber}`,
    {
      advice: 'correct the url or the name in the configuration',
    },
  );
}
