import { expect } from '@jest/globals';
import type { CacheService } from '../../../lib/nest/cache.service.js';

/** Items of one turn of the event loop, at most. */
const PORTION = 1_000;

/** What reads of another tenant came to while something went on. */
interface Beside<T> {
  readonly result: T;
  readonly reads: number;
  /** Reads that were no hits. */
  readonly loads: number;
  readonly turns: number;
}

/** Does something while another tenant reads, one read after the other, and counts the turns of the event loop. */
export async function beside<T>(cache: CacheService, work: () => Promise<T>): Promise<Beside<T>> {
  const other = cache.tenant('beta');
  let [reads, loads, turns, isDone] = [0, 0, 0, false];
  const turn = (): void => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const read = async (): Promise<void> => {
    for (; !isDone; reads++) {
      await other.getOrSet('small', () => ++loads);
      await new Promise(setImmediate);
    }
  };
  const reading = read();
  const result = await work().finally(() => {
    isDone = true;
  });
  await reading;
  return { result, reads, loads, turns };
}

/** Everything that takes a list goes in portions, and another tenant keeps its hits. */
export async function proveManyKeys(cache: CacheService, many: number): Promise<void> {
  await cache.tenant('beta').set('small', 'stays');
  const acme = cache.tenant('acme');
  const names = Array.from({ length: many }, (_, at) => `cat ${at}`);
  // Each of them takes a call of its own.
  const few = names.slice(0, many / 5);
  const kept = await beside(cache, () => acme.setMany(names.map((name) => [name, name] as const)));
  const found = await beside(cache, () => acme.getMany(names));
  const removed = await beside(cache, () => acme.deleteMany(names));
  const warmed = await beside(cache, () => acme.warm(few.map((name) => ({ key: name, value: 1 }))));
  const cleaned = await beside(cache, () => acme.invalidate('cat *'));
  expect([found.result.size, removed.result]).toEqual([many, many]);
  expect([warmed.result, cleaned.result]).toEqual([few.length, few.length]);
  for (const { loads, reads } of [kept, found, removed, warmed, cleaned]) {
    expect(loads).toBe(0);
    expect(reads).toBeGreaterThan(0);
  }
  const least = Math.floor(many / PORTION) - 1;
  for (const { turns } of [found, warmed]) expect(turns).toBeGreaterThanOrEqual(least);
  // Once for the names, once for the entries.
  for (const { turns } of [kept, removed]) expect(turns).toBeGreaterThanOrEqual(2 * least);
}
