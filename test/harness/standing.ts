import { fileURLToPath } from 'node:url';
import type { EmbeddedNats, EmbeddedPostgres } from '@millrace/embedded';
import type { Database } from './database.ts';

/** The repository's root folder. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** What a site needs of the servers that it stands on. */
export interface Standing {
  readonly dir: string;
  readonly nats: EmbeddedNats;
  server(label: string): EmbeddedPostgres;
  createDatabase(label: string, name: string): Promise<Database>;
}
