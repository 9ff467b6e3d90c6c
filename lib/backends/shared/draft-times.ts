import type { Draft } from '../../core/entry.js';

/**
 * How long a server keeps what has no ttl, from when it was stored: a year. What is invalidated and never asked for again,
 * and what is remembered about a tenant that has gone, would lie there for ever.
 */
export const ENDLESS_MS = 365 * 86_400_000;

/** Whole milliseconds an entry stays on the server. */
export function keptMs({ keptForMs }: Pick<Draft, 'keptForMs'>): number {
  return keptForMs === Infinity ? ENDLESS_MS : Math.max(1, Math.floor(keptForMs));
}

/** How long an entry stays past its ttl, in milliseconds; 0 for one without a ttl. */
export function graceOf({ freshForMs, keptForMs }: Pick<Draft, 'freshForMs' | 'keptForMs'>): number {
  return keptForMs === Infinity ? 0 : keptForMs - freshForMs;
}
