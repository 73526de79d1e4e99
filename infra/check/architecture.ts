import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

/** One package of the project. */
export interface Package {
  /** From 1, the lowest; `side`: beside the layers, for tests. */
  readonly layer: number | 'side';
  /** What it is for, in a few words. */
  readonly duty: string;
  readonly mayImport: readonly string[];
  /** Folders and loose files of its `src`, from the bottom up; files of one entry do not import each other. */
  readonly inner?: readonly (readonly string[])[];
}

/** architecture.config.json. */
export interface Architecture {
  /** Packages that every package above layer 1 may import. */
  readonly foundation: readonly string[];
  readonly packages: Readonly<Record<string, Package>>;
  readonly onlyInTests: readonly string[];
  readonly budgets: Budgets;
  /** Where SQL may stand: beginnings of paths. */
  readonly sqlFolders: readonly string[];
  /** For each schema of Millrace's: beginnings of paths where statements on it may stand. */
  readonly schemaOwners: Readonly<Record<string, readonly string[]>>;
}

export interface Budgets {
  readonly fileLines: number;
  readonly functionLines: number;
  readonly positionalParameters: number;
  /** A package with more files than this declares its inner layers. */
  readonly innerLayersFrom: number;
  /** Most files in one folder that is no list of equals. */
  readonly folderFiles: number;
  /** Folders whose files are all of one kind, such as one verb a file. */
  readonly listsOfEquals: readonly string[];
  /** Most files in the `src` of such a package beside main.ts or mod.ts. */
  readonly looseFiles: number;
}

/** Reads architecture.config.json. */
export function readArchitecture(): Architecture {
  return JSON.parse(readFileSync(join(root, 'architecture.config.json'), 'utf8')) as Architecture;
}

/** The package that a file is in; undefined for files outside all packages (infra, configuration). */
export function packageOf(plan: Architecture, path: string): string | undefined {
  return Object.keys(plan.packages).find((name) => path.startsWith(`${name}/`));
}

/** True when one package may import another. */
export function mayImport(plan: Architecture, from: string, to: string): boolean {
  const own = plan.packages[from];
  if (own === undefined) return false;
  if (own.mayImport.includes(to) || (own.mayImport.includes('libs/*') && to.startsWith('libs/'))) return true;
  return own.layer !== 1 && plan.foundation.includes(to);
}
