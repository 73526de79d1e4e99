// Which installation uses a queue's streams. It is marked at the bucket: two with one name on one bus would take each
// other's batches and reports for their own.
import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';

const installation = z.strictObject({
  millrace: z.literal(1),
  /** Of the provider's cluster. */
  system: z.string().regex(/^\d{1,20}$/),
  /** Number of the provider's database in its cluster: it stays when the database is renamed. */
  database: z.string().regex(/^\d{1,10}$/),
  name: z.string().max(256),
});

/** The provider of a queue. */
export type Installation = Omit<z.infer<typeof installation>, 'millrace'>;

/** What is written at the bucket, below the size that NATS allows a description. */
export function installationMark({ system, database, name }: Installation): string {
  return JSON.stringify({ millrace: 1, system, database, name } satisfies z.infer<typeof installation>);
}

/**
 * Refuses when the mark is of another installation; a mark that is not ours is none. Throws BUS_REFUSED, naming both.
 */
export function refuseOtherInstallation(queue: string, mark: string, ours: Installation): void {
  const other = parse(mark);
  if (other === undefined || (other.system === ours.system && other.database === ours.database)) return;
  throw new MillraceError(
    codes.BUS_REFUSED,
    `the queue ${queue} on this bus belongs to another installation, ${label(other)}; this one is ${label(ours)}`,
    {
      advice: `give one of the two another name (\`queue:\` in its configuration) or a bus or NATS account of its own; if the other is gone for good, delete its bucket: nats kv del millrace_${queue}`,
    },
  );
}

function label({ system, database, name }: Installation): string {
  return `database ${JSON.stringify(name)} (number ${database}) of the cluster ${system}`;
}

function parse(mark: string): Installation | undefined {
  try {
    return installation.parse(JSON.parse(mark));
  } catch {
    return undefined;
  }
}
