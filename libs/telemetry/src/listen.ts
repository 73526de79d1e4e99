import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where an HTTP server listens. */
export interface Listening {
  /** As configured. */
  readonly host: string;
  /** What the host resolved to. */
  readonly address: string;
  readonly port: number;
  readonly url: string;
}

/** Begins to listen; port 0: any free one. Throws the system's error (EADDRINUSE, …). */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const { address, port: found } = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return { host, address, port: found, url: `http://${shown}:${found}` };
}

/** Stops listening. Answers on their way get `graceMs`; after that their connections are closed. */
export async function stopListening(server: Server, graceMs = 0): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if (graceMs === 0) server.closeAllConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
