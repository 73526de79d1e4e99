// The options of the bus. Secrets stand in the URL, in files it names, and in the key; nothing of them is ever shown.
import { z } from 'zod';

const busUrl = z
  .string({ error: 'must be a URL like nats://host:4222' })
  .refine(
    (urls) => urls.split(',').every((url) => /^(nats|tls):\/\//.test(url.trim()) && URL.canParse(url.trim())),
    'must be one or more URLs like nats://host:4222 or tls://host:4222, separated by commas (special characters of a password as %XX)',
  );

/** A secret that signs messages; nothing of it is ever shown. */
const busKey = z
  .string({ error: 'must be text' })
  .refine(
    (key) => key.length >= 32 && key.length <= 512,
    'must be 32 to 512 characters long: `openssl rand -base64 32`',
  )
  .refine((key) => /^[\x21-\x7e]*$/.test(key), 'must consist of printable ASCII characters without spaces')
  .refine((key) => new Set(key).size >= 8, 'is too easy to guess: take the output of `openssl rand -base64 32`');

const busKeys = z
  .union([busKey, z.array(busKey).min(1, 'must name one or two keys').max(2, 'must name one or two keys')], {
    error: 'must be one or two keys of 32 to 512 random characters: `openssl rand -base64 32`',
  })
  .describe(
    'Signs what is sent over the bus, and what is not signed with it is set aside. The same on all hosts. Two: the first signs, both are accepted, for a change of keys.',
  );

const path = z.string({ error: 'must be the name of a file' }).min(1, 'must be the name of a file');

const tls = z
  .strictObject({
    ca: path.optional().describe("PEM: the authorities that sign the servers' certificates, instead of the system's."),
    cert: path.optional().describe('PEM: our own certificate, for servers that demand one.'),
    key: path.optional().describe('PEM: the key of our certificate.'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'must name cert and key together')
  .refine(
    ({ ca, cert }) => ca !== undefined || cert !== undefined,
    "must name ca, or cert and key; with the system's authorities alone tls:// in bus.url is enough",
  )
  .describe('TLS is demanded. File names are relative to the configuration file.');

const replicas = z.preprocess(
  (value) => (value === '1' || value === '3' ? Number(value) : value),
  z.literal([1, 3], { error: 'must be 1 or 3' }),
);

/** What only a bus of one's own can have. */
const needUrl = ['credentials', 'tls', 'replicas', 'domain'] as const;

export const bus = z
  .strictObject({
    url: busUrl
      .optional()
      .describe('NATS with JetStream. Left out: `millrace up` runs a nats-server of its own in data_dir.'),
    credentials: path
      .optional()
      .describe('A file with NATS credentials (JWT and key, as nsc writes them) or with the seed of an nkey.'),
    tls: tls.optional(),
    replicas: replicas
      .optional()
      .describe(
        'Servers of a NATS cluster that each hold our streams: 1 or 3. Read by capture, which also alters streams.',
      ),
    domain: z
      .string({ error: 'must be a name' })
      .regex(/^[\w-]{1,255}$/, 'must be 1 to 255 letters, digits, "_" or "-"')
      .optional()
      .describe(
        'The JetStream domain of our streams, when the server we connect to is a leaf node and not the one that has them.',
      ),
    key: busKeys.optional(),
    accept_unsigned: z
      .boolean({ error: 'must be true or false' })
      .default(false)
      .describe('With a key: messages without any signature are taken as well. Only while a key is being introduced.'),
  })
  .superRefine((values, context) => {
    const lonely = values.url === undefined ? needUrl.find((key) => values[key] !== undefined) : undefined;
    if (lonely === undefined) return;
    const message = `needs bus.url: the nats-server of \`millrace up\` has no use for it`;
    context.addIssue({ code: 'custom', path: [lonely], message });
  })
  .describe('The bus between the databases.');
