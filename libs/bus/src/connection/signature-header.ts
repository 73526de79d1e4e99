// Where a message carries its signature: a header of NATS, which programs that know nothing of it pass over. What it says is
// libs/wire's.
import { type MsgHdrs, headers as makeHeaders } from '@nats-io/transport-node';

const headerName = 'Millrace-Signature';
/** Longer ones are not ours. */
const maxChars = 200;

/** The headers of a message; undefined without a signature. */
export function signatureHeaders(signature: string | undefined): MsgHdrs | undefined {
  if (signature === undefined) return undefined;
  const headers = makeHeaders();
  headers.set(headerName, signature);
  return headers;
}

/** The signature of a message that was delivered. */
export function signatureOf(headers: MsgHdrs | undefined): string | undefined {
  const value = headers?.get(headerName) ?? '';
  return value === '' || value.length > maxChars ? undefined : value;
}

/** The same from the bytes of the headers, as the server gives those of a stored message. */
export function signatureIn(headers: string): string | undefined {
  const line = headers.split('\r\n').find((one) => one.toLowerCase().startsWith(`${headerName.toLowerCase()}:`));
  const value = line?.slice(headerName.length + 1).trim() ?? '';
  return value === '' || value.length > maxChars ? undefined : value;
}
