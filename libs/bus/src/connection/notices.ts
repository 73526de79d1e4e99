import { busError } from './bus-errors.ts';
import type { Bus } from './connect.ts';

/** Sends a message that is not stored. Lost when nobody listens or the connection is down; never waits. */
export function sendNotice(bus: Bus, subject: string, data: string): void {
  if (!bus.isConnected()) return;
  try {
    bus.connection.publish(subject, data);
  } catch (error) {
    throw busError(error, `sending a notice`);
  }
}

/** Receives notices for as long as the connection is open. Returns the way to stop. */
export function onNotice(bus: Bus, subject: string, listener: (data: Buffer) => void): () => void {
  const subscription = bus.connection.subscribe(subject, {
    // An error ends the subscription (permissions); `bus.trouble()` shows it, and notices are only hints.
    callback: (error, message) => {
      if (error === null) listener(Buffer.from(message.data));
    },
  });
  return () => {
    if (!bus.connection.isClosed()) subscription.unsubscribe();
  };
}
