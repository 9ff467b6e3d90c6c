import type { Entry } from './entry.js';
import type { Policy } from './policy.js';
import { survives, type RequiredStamp } from './stamp.js';

/**
 * What an entry is worth at this moment:
 * - `fresh`  — within its ttl: the answer.
 * - `aging`  — within its ttl, but drawn for an early refresh: the answer, and a reload in the background.
 * - `stale`  — past its ttl, within staleWhileRevalidate: the answer, and a reload in the background.
 * - `grace`  — past that, within staleIfError: only if the loader fails or is slow.
 * - `gone`   — expired, invalidated, or not ours: as if it were not there.
 */
export type Verdict = 'fresh' | 'aging' | 'stale' | 'grace' | 'gone';

/** What the draw for an early refresh needs to know. */
export interface EarlyDraw {
  /** How long this namespace's loader took lately. */
  readonly loadMs: number;
  /** Uniform in (0, 1]. */
  readonly draw: number;
}

/** What is judged: an entry, and what it is asked for by. */
type Judged<Name> = Pick<Entry, 'generation' | 'stamp' | 'freshUntilMs' | 'keptUntilMs'> & {
  isOf(name: Name): boolean;
};

/** Pure. Every serving of a stored value is decided here and nowhere else (invariants 2 and 3). */
export function judge<Name>(
  entry: Judged<Name>,
  required: RequiredStamp,
  key: Name,
  nowMs: number,
  policy: Policy,
  early?: EarlyDraw,
): Verdict {
  if (!entry.isOf(key) || !survives(entry, required) || nowMs >= entry.keptUntilMs) return 'gone';
  if (nowMs < entry.freshUntilMs)
    return early !== undefined && isDrawn(entry, nowMs, policy, early) ? 'aging' : 'fresh';
  if (nowMs < entry.freshUntilMs + policy.staleWhileRevalidateMs) return 'stale';
  return nowMs < entry.freshUntilMs + policy.staleIfErrorMs ? 'grace' : 'gone';
}

/**
 * Probabilistic early expiration: each reader near the end of the ttl reloads with a probability that rises as the end
 * comes nearer and with the cost of a load, so that in all likelihood exactly one does, before a caller has to wait.
 */
function isDrawn(entry: Pick<Entry, 'freshUntilMs'>, nowMs: number, policy: Policy, early: EarlyDraw): boolean {
  return nowMs - early.loadMs * policy.earlyRefresh * Math.log(early.draw) >= entry.freshUntilMs;
}
