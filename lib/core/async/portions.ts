/**
 * Lists of any length, in portions: however many a caller names, others get their turn in between, in this process and at
 * the server. Items are counted and not timed: the same list has the same portions on every machine.
 */
import { machineClock } from '../clock.js';
import type { Awaitable } from './awaitable.js';

/** Items of one turn of the event loop, and of one call to a backend. */
export const PORTION = 1_000;

/** What work makes of all items, a portion after another; the first failure ends it. What fits into one is one call. */
export async function inPortions<T, R>(
  items: readonly T[],
  work: (some: readonly T[]) => Awaitable<readonly R[]>,
): Promise<readonly R[]> {
  if (items.length <= PORTION) return work(items);
  const results: R[] = [];
  for (let at = 0; at < items.length; at += PORTION) {
    if (at > 0) await machineClock.breathe();
    results.push(...(await work(items.slice(at, at + PORTION))));
  }
  return results;
}

/** What is made of each item: of a portion now, of more a portion in each turn. */
export function eachInTurn<T, R>(items: readonly T[], make: (item: T) => R): Awaitable<readonly R[]> {
  return items.length <= PORTION ? items.map(make) : inPortions(items, (some) => some.map(make));
}
