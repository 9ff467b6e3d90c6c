/** MongoDB alone, or under memory in each application. */
export type Levels = 'mongo' | 'tiered';

/** How long an application believes a copy without asking whether it still stands, and how late it may so see a change. */
export const BELIEVED_MS = 500;

/** CACHE_BACKEND means something else to this sample. */
export class LevelsError extends Error {}

/** @throws LevelsError */
export function levelsFrom(chosen = process.env['CACHE_BACKEND'] ?? 'mongo'): Levels {
  if (chosen === 'mongo' || chosen === 'tiered') return chosen;
  throw new LevelsError('This sample runs with CACHE_BACKEND=mongo (as without it) or CACHE_BACKEND=tiered.');
}
