import { PORTION } from '../../core/async/portions.js';
import type { Key } from '../../core/keys/key.js';
import { chunks } from '../shared/batches.js';
import { isAnswer } from '../shared/refused.error.js';

/**
 * Evicts very many keys a portion after another, each with a deadline of its own, so that other calls get their turn in
 * between; how many were live. What is left when a portion is not confirmed is queued with it: no caller waits for each
 * to fail in turn, and none of them is lost.
 */
export async function evictInPortions(
  keys: readonly Key[],
  evict: (some: readonly Key[]) => Promise<number>,
  queue: (some: readonly Key[]) => void,
): Promise<number> {
  const portions = chunks(keys, PORTION);
  let removed = 0;
  for (const [at, some] of portions.entries()) {
    try {
      removed += await evict(some);
    } catch (error) {
      if (!isAnswer(error)) for (const left of portions.slice(at + 1)) queue(left);
      throw error;
    }
  }
  return removed;
}
