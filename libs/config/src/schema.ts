// Every option of Millrace, declared once: type, bound, default and the reason. The JSON schema and the documentation
// derive from this file.
import { z } from 'zod';
import { bus } from './bus-schema.ts';

const withoutControls = /^[^\p{Cc}\p{Cs}]+$/u;

/** Queue name: its bus names must stay below 255 bytes even when every byte has to be escaped. */
const queueName = z
  .string({ error: 'must be a name' })
  .refine(
    (name) => withoutControls.test(name) && name.trim() === name,
    'must not be empty, hold control characters or begin or end with a space',
  )
  .refine((name) => Buffer.byteLength(name) <= 63, 'must be at most 63 bytes long');

const subscriberName = z.string().regex(/^[a-z0-9_-]{1,63}$/i, 'must be 1 to 63 letters, digits, "_" or "-"');

const postgresUrl = z
  .string({ error: 'must be a URL like postgresql://user@host:5432/db' })
  .refine((url) => /^postgres(ql)?:\/\//.test(url), 'must begin with postgresql://')
  .refine((url) => URL.canParse(url), 'is not a URL (write special characters of a password as %XX)');

const host = z
  .string({ error: 'must be a host name or address' })
  .min(1, 'must not be empty')
  .regex(/^\S+$/, 'must not hold spaces');

/** A number, also when it came as digits out of an environment variable. */
function integer(min: number, max: number) {
  const wrong = `must be a whole number from ${min} to ${max}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    z.int({ error: wrong }).min(min, wrong).max(max, wrong),
  );
}

const port = integer(0, 65_535);

const provider = z
  .strictObject({
    url: postgresUrl.describe('The provider database, as the role that owns the schemas millrace and pgq.'),
  })
  .describe(
    'The database whose tables are copied. Needed by ticker, capture and admin, not on a host that only replays.',
  );

const subscriber = z.strictObject({
  url: postgresUrl
    .optional()
    .describe('The subscriber database. Needed by its replay and by admin, not on the provider side.'),
});

/** Where the provider is named among databases it is called `provider`. */
const databaseName = subscriberName.refine(
  (name) => name.toLowerCase() !== 'provider',
  'is the name under which the provider is known; choose another',
);

const database = z.strictObject({
  url: postgresUrl.describe('A database with queues, as the role that owns schema pgq or a member of pgq_admin.'),
});

const http = z
  .strictObject({
    host: host
      .default('127.0.0.1')
      .describe(
        'Address admin listens on. Only this host by default: it can change what is replicated, and beyond it wants a token.',
      ),
    port: port.default(7_700).describe('Port of admin; 0 = any free one.'),
    token: z
      .string({ error: 'must be text' })
      .regex(/^[\w.~+/=-]{16,256}$/, 'must be 16 to 256 letters, digits or any of . _ ~ + / = -')
      .optional()
      .describe(
        'What changes and what shows rows over HTTP need as `Authorization: Bearer TOKEN`. Without it admin makes one of its own where host is a loopback address, in DATA_DIR/run/admin.token, and refuses these requests elsewhere.',
      ),
    names: z
      .array(host)
      .default([])
      .describe("Host names, besides localhost and addresses, under which admin is asked: a proxy's, for example."),
  })
  .describe('Where admin serves its API and page.');

const ticker = z
  .strictObject({
    active_ms: integer(1, 10_000)
      .default(10)
      .describe('Pause between polls while changes arrive, milliseconds. Smaller: less lag, more ticks.'),
    idle_ms: integer(1, 60_000)
      .default(500)
      .describe(
        'Maximal pause between polls while nothing arrives, milliseconds; it is reached after a silence of 40 times as long. Bounds the lag of the first change after a rest; larger: less idle CPU.',
      ),
    queues_ms: integer(10, 60_000)
      .default(500)
      .describe(
        'Pause between polls of the queues that carry no tables, of the provider and of `databases`, milliseconds. Each queue ticks by its own rule; new ones are noticed by the next poll.',
      ),
    retry_ms: integer(100, 3_600_000)
      .default(5_000)
      .describe('Pause between moves of events whose retry time has come back into their queues, milliseconds.'),
    maintenance_ms: integer(100, 3_600_000)
      .default(5_000)
      .describe('Pause between rounds of maintenance (rotation of event tables and what else is due), milliseconds.'),
    statistics_ms: integer(0, 86_400_000)
      .default(30_000)
      .describe('How often the ticker logs what it did in each database, milliseconds; 0 = never.'),
  })
  .refine(({ active_ms, idle_ms }) => active_ms <= idle_ms, 'active_ms must not be greater than idle_ms')
  .describe('Pace of the ticker.');

const namePart = String.raw`\s*(?:"(?:[^"]|"")+"|[^".\s]+)\s*`;
/** A table as on the command line, bare or behind its schema. */
const tableName = new RegExp(`^${namePart}(?:\\.${namePart})?$`);

const compare = z
  .strictObject({
    every: z
      .string({ error: 'must be a duration like 1h' })
      .regex(/^[1-9]\d{0,3}(s|m|h)$/, 'must be a duration like 30m or 1h')
      .describe('How old the last comparison of a table at a subscriber may become: 30m, 1h, 24h.'),
    tables: z
      .array(z.string().regex(tableName, 'must be a table like orders, shop.orders or "Shop"."Orders"'))
      .min(1, 'must name a table, or be left out')
      .optional()
      .describe('Only these tables, named as on the command line. Left out: the whole set.'),
  })
  .describe('Lets admin compare tables with the subscribers by itself; the results are in its status and metrics.');

const copies = z
  .strictObject({
    readers: integer(1, 16)
      .optional()
      .describe(
        'Sessions that read one large table at the provider. Default: one for four processors of the host that runs capture, 1 to 4.',
      ),
    loaders: integer(1, 16)
      .optional()
      .describe(
        'Sessions that load one copy beside its table at a subscriber. Default: one for two processors of the host that runs its replay, 1 to 4.',
      ),
  })
  .describe('How tables are copied.');

const serviceKey = z
  .string()
  .regex(/^(ticker|capture|replay:[A-Za-z0-9_-]{1,63})$/, 'must be ticker, capture or replay:NAME');

const services = z
  .strictObject({
    host: host.default('127.0.0.1').describe('Address of the health endpoints (/live, /ready, /metrics).'),
    ports: z
      .record(serviceKey, port)
      .default({})
      .describe(
        'Fixed ports of health endpoints, by ticker, capture, replay:NAME. Left out or 0 = any free one, written to DATA_DIR/run.',
      ),
  })
  .describe('Health endpoints of the services.');

/** The whole configuration file. Unknown keys are errors. */
export const configSchema = z.strictObject({
  queue: queueName.default('main').describe('Name of the set of tables and of its queue.'),
  provider: provider.optional(),
  // `eu:` with nothing behind it is how a host without its url names a subscriber.
  subscribers: z
    .record(
      subscriberName,
      z.preprocess((value) => value ?? {}, subscriber),
    )
    .default({})
    .describe('Subscribers by name.'),
  databases: z
    .record(databaseName, database)
    .default({})
    .describe(
      'Further databases with queues of their own, by name: the ticker serves them, and the commands for queues know them.',
    ),
  bus: bus.prefault({}),
  data_dir: z
    .string({ error: 'must be a folder' })
    .min(1, 'must not be empty')
    .default('./.millrace')
    .describe('Folder for what the services keep on disk. Relative to the configuration file.'),
  http: http.prefault({}),
  ticker: ticker.prefault({}),
  copies: copies.prefault({}),
  services: services.prefault({}),
  compare: compare.optional(),
});

export type ConfigValues = z.output<typeof configSchema>;

/** The configuration as JSON schema (draft 2020-12), for editors and documentation. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}
