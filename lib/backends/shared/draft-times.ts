import type { Draft } from '../../core/entry.js';

/** Whole milliseconds an entry stays on the server; 0: for ever. */
export function keptMs({ keptForMs }: Pick<Draft, 'keptForMs'>): number {
  return keptForMs === Infinity ? 0 : Math.max(1, Math.floor(keptForMs));
}

/** How long an entry stays past its ttl, in milliseconds; 0 for one that stays for ever. */
export function graceOf({ freshForMs, keptForMs }: Pick<Draft, 'freshForMs' | 'keptForMs'>): number {
  return keptForMs === Infinity ? 0 : keptForMs - freshForMs;
}
