import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Everything that set-up fetches or makes lives here; deleting it undoes set-up. */
export const tools = join(root, '.tools');

/** Manifests and lock files of the tools that come from the npm registry. */
export const packages = join(root, 'infra', 'setup', 'packages');
