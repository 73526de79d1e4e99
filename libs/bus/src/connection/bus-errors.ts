import { codes, MillraceError } from '@millrace/errors';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** Codes of JetStream's API that are distinguished. */
export const apiCodes = {
  consumerNotFound: 10014,
  noMessage: 10037,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
  storeFailed: 10077,
  sealed: 10109,
} as const;

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

const sealed = new Set<number>([apiCodes.sealed]);

/** What the server refuses because of space or limits; it passes when space is freed. */
const limits = new Set<number>([10002, 10023, 10026, 10027, 10028, 10047, 10077, 10110, 10113, 10122]);

/** The error's own code in JetStream's API, when the server gave one. */
export function apiCodeOf(error: unknown): number | undefined {
  if (error instanceof JetStreamApiError) return error.code;
  return error instanceof Error && error.cause !== undefined ? apiCodeOf(error.cause) : undefined;
}

/** The stream, or what stands on it (a bucket, a consumer), is not there. */
export function isMissing(error: unknown): boolean {
  const code = apiCodeOf(error);
  return (
    code === apiCodes.streamNotFound || code === apiCodes.consumerNotFound || hasCause(error, errors.NoRespondersError)
  );
}

/** Gives every error of the bus a code and a sentence. `doing` completes "while …". */
export function busError(error: unknown, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const more = { cause: error };
  if (isRefusal(error)) {
    return new MillraceError(codes.BUS_REFUSED, `the bus refused us while ${doing}: ${reasonOf(error)}`, {
      ...more,
      advice: 'check the credentials in the bus URL and the permissions of that user',
    });
  }
  const refused = tlsRefusal(error);
  if (refused !== undefined) {
    return new MillraceError(codes.BUS_REFUSED, `no secure connection while ${doing}: ${refused.what}`, {
      ...more,
      advice: refused.advice,
    });
  }
  const code = apiCodeOf(error);
  if (code !== undefined) return apiError(code, error, doing);
  if (hasCause(error, errors.NoRespondersError)) {
    return new MillraceError(codes.BUS_UNAVAILABLE, `nobody on the bus answers while ${doing}`, {
      ...more,
      advice: 'the stream is missing or JetStream is off; it is tried again',
    });
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return new MillraceError(codes.INTERNAL, `${error.message} while ${doing}`, more);
  }
  return new MillraceError(codes.BUS_UNAVAILABLE, `the bus is not available while ${doing}: ${reasonOf(error)}`, more);
}

function apiError(code: number, error: unknown, doing: string): MillraceError {
  const more = { cause: error };
  const reason = reasonOf(error);
  if (sealed.has(code)) {
    return new MillraceError(codes.BUS_REFUSED, `the stream is sealed, found while ${doing}`, {
      ...more,
      advice: 'nothing is lost: delete the stream (nats stream rm), Millrace makes it again and fills it',
    });
  }
  if (limits.has(code)) {
    return new MillraceError(codes.BUS_UNAVAILABLE, `the bus is full or at its limits while ${doing}: ${reason}`, {
      ...more,
      advice: 'give JetStream more space (max_file_store, account limits); it is tried again',
    });
  }
  return new MillraceError(codes.BUS_UNAVAILABLE, `the bus answered "${reason}" (${code}) while ${doing}`, more);
}

function isRefusal(error: unknown): boolean {
  return (
    hasCause(error, errors.PermissionViolationError) ||
    hasCause(error, errors.AuthorizationError) ||
    hasCause(error, errors.UserAuthenticationExpiredError)
  );
}

/** Why TLS came to nothing, of either side, in words; undefined for any other error. */
function tlsRefusal(error: unknown): { readonly what: string; readonly advice: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    // Node's own sentence repeats the names of the certificate.
    const found = error as { readonly host?: string; readonly cert?: { readonly subjectaltname?: string } };
    const what = `the server's certificate is for ${found.cert?.subjectaltname ?? 'no name'}`;
    return {
      what,
      advice: 'name the server in the bus URL as its certificate does, or give it a certificate for that name',
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return { what: `the server's ${error.message}`, advice: 'give the server a certificate that is valid now' };
  }
  if (unknownAuthority.has(code)) {
    const what = `nobody we know vouches for the server's certificate (${error.message.replace(/;.*/s, '')})`;
    return { what, advice: 'name the authority that signed it: bus.tls.ca in the configuration' };
  }
  if (/'tls'/.test(error.message)) {
    return { what: 'the server has no TLS', advice: 'switch TLS on there; nats:// in the bus URL goes in clear text' };
  }
  if (code.startsWith('ERR_SSL_') || /certificate|tls/i.test(code)) {
    return { what: error.message, advice: 'check bus.tls of the configuration and the TLS settings of the server' };
  }
  return tlsRefusal(error.cause);
}

function hasCause(error: unknown, kind: abstract new (...args: never[]) => Error): boolean {
  if (error instanceof kind) return true;
  return error instanceof Error && error.cause !== undefined && hasCause(error.cause, kind);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : error.message;
}
