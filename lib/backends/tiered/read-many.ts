import type { Awaitable } from '../../core/async/awaitable.js';
import { inPortions } from '../../core/async/portions.js';
import type { Reading } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';
import { L1Copy } from './l1-copies.js';

/** What L1 has of a key: an answer, a copy that has to be checked first, or nothing. */
export type Found = Reading | L1Copy | undefined;

/** Where the answers come from that L1 does not have. */
export interface Sources {
  check(key: Key, copy: L1Copy): Promise<Reading>;
  fetch(keys: readonly Key[]): Awaitable<readonly Reading[]>;
}

/**
 * The answers in the order of the keys. Copies are checked in portions as large as what is read within one deadline: if
 * very many were checked at once, all of them would miss it together.
 */
export async function readEach(
  keys: readonly Key[],
  found: readonly Found[],
  from: Sources,
): Promise<readonly Reading[]> {
  const missing = keys.filter((_, at) => found[at] === undefined);
  const unchecked = keys.flatMap((key, at) => (found[at] instanceof L1Copy ? [[key, found[at]] as const] : []));
  const [known, read] = await Promise.all([
    inPortions(unchecked, (some) => Promise.all(some.map(([key, copy]) => from.check(key, copy)))),
    missing.length === 0 ? [] : from.fetch(missing),
  ]);
  const [checked, readings] = [known.values(), read.values()];
  return keys.map((_, at) => {
    const own = found[at] instanceof L1Copy ? checked.next().value : found[at];
    return own ?? (readings.next().value as Reading);
  });
}
