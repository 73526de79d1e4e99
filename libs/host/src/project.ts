import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** The program of a service. */
export function serviceProgram(kind: 'ticker' | 'capture' | 'replay' | 'admin'): string {
  return fileURLToPath(new URL(`../../../services/${kind}/src/main.ts`, import.meta.url));
}

/** Options of Node with which every process of Millrace is started. */
export const nodeOptions = ['--disable-warning=ExperimentalWarning'];
