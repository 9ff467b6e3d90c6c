/** Functions that call, alone in their file: what a stack says about them can be told by that. */
import type { CacheService } from '../../../lib/index.js';
import { PATIENT, PLACES, type Place, type Rows, TTL } from './failing-rows.js';

interface App {
  readonly rows: Rows;
  readonly cache: CacheService;
}

export const CALLERS: Readonly<Record<string, (app: App, place: Place, id: string) => Promise<void>>> = {
  'a cached method': async ({ rows }, place, id) => {
    await rows.find(place, id);
  },
  'a cached method with time limits': async ({ rows }, place, id) => {
    await rows.patient(place, id);
  },
  'a cached method whose condition says no': async ({ rows }, place, id) => {
    await rows.unconditional(place, id);
  },
  'a method that stores': async ({ rows }, place, id) => {
    await rows.save(place, id);
  },
  'a method that stores and whose condition says no': async ({ rows }, place, id) => {
    await rows.saveNothing(place, id);
  },
  'a method that evicts': async ({ rows }, place, id) => {
    await rows.remove(place, id);
  },
  getOrSet: async ({ cache }, place, id) => {
    await cache.getOrSet([place, id], PLACES[place], TTL);
  },
  'getOrSet with time limits': async ({ cache }, place, id) => {
    await cache.getOrSet([place, id], PLACES[place], PATIENT);
  },
};

/** Leads a load that others join. */
export async function lead(load: () => Promise<unknown>, join?: () => void): Promise<void> {
  const leading = load();
  join?.();
  await leading;
}
