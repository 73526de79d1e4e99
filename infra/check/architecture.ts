import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

/** One package of ours. */
export interface Room {
  readonly floor: number | 'side';
  readonly duty: string;
  readonly mayImport: readonly string[];
}

/** architecture.config.json. */
export interface Architecture {
  readonly ground: readonly string[];
  readonly rooms: Readonly<Record<string, Room>>;
  readonly onlyInTests: readonly string[];
  readonly budgets: {
    readonly fileLines: number;
    readonly functionLines: number;
    readonly positionalParameters: number;
  };
  readonly sqlRooms: readonly string[];
}

/** Reads the floor plan. */
export function readArchitecture(): Architecture {
  return JSON.parse(readFileSync(join(root, 'architecture.config.json'), 'utf8')) as Architecture;
}

/** The room a file is in; undefined for files outside all rooms (infra, configuration). */
export function roomOf(plan: Architecture, path: string): string | undefined {
  return Object.keys(plan.rooms).find((room) => path.startsWith(`${room}/`));
}

/** True when the plan lets one room import another. */
export function mayImport(plan: Architecture, from: string, to: string): boolean {
  const room = plan.rooms[from];
  if (room === undefined) return false;
  if (room.mayImport.includes(to) || (room.mayImport.includes('libs/*') && to.startsWith('libs/'))) return true;
  return room.floor !== 1 && plan.ground.includes(to);
}
