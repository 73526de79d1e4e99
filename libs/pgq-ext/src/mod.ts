export { installPgqExt, uninstallPgqExt } from './install.ts';
