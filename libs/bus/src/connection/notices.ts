import { busError } from './bus-errors.ts';
import type { Bus } from './connect.ts';
import { signatureHeaders, signatureOf } from './signature-header.ts';

/** Sends a message that is not stored. Lost when nobody listens or the connection is down; never waits. */
export function sendNotice(bus: Bus, subject: string, data: string, signature?: string): void {
  if (!bus.isConnected()) return;
  try {
    const headers = signatureHeaders(signature);
    bus.connection.publish(subject, data, headers === undefined ? {} : { headers });
  } catch (error) {
    throw busError(error, `sending a notice`);
  }
}

/** Receives notices for as long as the connection is open. Returns the way to stop. */
export function onNotice(
  bus: Bus,
  subject: string,
  listener: (data: Buffer, signature: string | undefined) => void,
): () => void {
  const subscription = bus.connection.subscribe(subject, {
    // An error ends the subscription (permissions); `bus.trouble()` shows it, and notices are only hints.
    callback: (error, message) => {
      if (error === null) listener(Buffer.from(message.data), signatureOf(message.headers));
    },
  });
  return () => {
    if (!bus.connection.isClosed()) subscription.unsubscribe();
  };
}
