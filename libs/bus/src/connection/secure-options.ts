// How a connection to the bus shows who we are, and finds out who the server is.
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { codes, MillraceError } from '@millrace/errors';
import {
  type Authenticator,
  credsAuthenticator,
  type NodeConnectionOptions,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import type { BusAddress } from './bus-url.ts';

/** Credentials and TLS of a bus URL. Throws CONFIG for a file that cannot be read, or is no such file. */
export function secureOptions(address: BusAddress): NodeConnectionOptions {
  const { user, pass, token, tls, files } = address;
  const { creds, ca, cert, key } = files;
  const isSecure = tls || ca !== undefined || cert !== undefined;
  return {
    ...(user === undefined ? {} : { user, pass: pass ?? '' }),
    ...(token === undefined ? {} : { token }),
    ...(creds === undefined ? {} : { authenticator: authenticatorOf(creds) }),
    ...(isSecure ? { tls: tlsOptions({ ca, cert, key }) } : {}),
  };
}

/** A file with a JWT and its key, as `nsc` writes it, or with the seed of an nkey alone. Read again at every connect. */
function authenticatorOf(file: string): Authenticator {
  const text = readSecret(file);
  if (/-+BEGIN NATS USER JWT-+/.test(text)) return credsAuthenticator(() => Buffer.from(readSecret(file)));
  if (seedIn(text) === undefined) {
    throw new MillraceError(codes.CONFIG, `${file} holds neither NATS credentials nor the seed of an nkey of a user`, {
      advice: 'name a file that `nsc generate creds` or `nk -gen user` has written',
    });
  }
  return nkeyAuthenticator(() => Buffer.from(seedIn(readSecret(file)) ?? ''));
}

function seedIn(text: string): string | undefined {
  return /^\s*(SU[A-Z2-7]{56})\s*$/m.exec(text)?.[1];
}

type TlsFiles = Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>;

// The client library hands what it does not know to tls.connect, and reads the files again at every connect.
function tlsOptions({ ca, cert, key }: TlsFiles): NonNullable<NodeConnectionOptions['tls']> {
  for (const file of [ca, cert, key]) if (file !== undefined) readSecret(file);
  const files = {
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
  return { ...files, checkServerIdentity: identityOf } as NonNullable<NodeConnectionOptions['tls']>;
}

/** What Node calls this on: the options of the connection. */
interface Handshake {
  readonly servername?: string;
  readonly socket?: Socket;
}

/**
 * The client library names no server to TLS when it was given an address, and Node then compares the certificate with
 * `localhost`. So it is compared with the address we are connected to; the names of servers that a cluster announced are
 * compared as the library gives them.
 */
function identityOf(this: Handshake | undefined, name: string, certificate: PeerCertificate): Error | undefined {
  const given = this?.servername ?? '';
  const address = this?.socket?.remoteAddress ?? '';
  if (given !== '') return checkServerIdentity(name, certificate);
  if (isIP(address) === 0)
    return new Error('the address of the server is not known, so its certificate is not checked');
  return checkServerIdentity(address.replace(/^::ffff:(?=\d+\.)/i, ''), certificate);
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new MillraceError(codes.CONFIG, `the file ${file}, named for the bus, cannot be read`, { cause: error });
  }
}
