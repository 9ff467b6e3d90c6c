import type { Awaitable } from '../../core/async/awaitable.js';
import type { Reading } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';
import { PORTION } from '../resilience/options.js';
import { inPortions } from '../shared/batches.js';
import { Copy } from './l1-copies.js';

/** What a process has of a key: an answer, a copy that is one after a check, or nothing. */
export type Near = Reading | Copy | undefined;

/** Where the answers come from that a process has not got. */
export interface Sources {
  check(key: Key, copy: Copy): Promise<Reading>;
  far(keys: readonly Key[]): Awaitable<readonly Reading[]>;
}

/**
 * The answers in the order of the keys. As many copies are checked at once as are read within one deadline: all of very
 * many would come too late together.
 */
export async function readEach(
  keys: readonly Key[],
  near: readonly Near[],
  from: Sources,
): Promise<readonly Reading[]> {
  const far = keys.filter((_, at) => near[at] === undefined);
  const doubtful = keys.flatMap((key, at) => (near[at] instanceof Copy ? [[key, near[at]] as const] : []));
  const [known, read] = await Promise.all([
    inPortions(doubtful, PORTION, (some) => Promise.all(some.map(([key, copy]) => from.check(key, copy)))),
    far.length === 0 ? [] : from.far(far),
  ]);
  const [checked, readings] = [known.values(), read.values()];
  return keys.map((_, at) => {
    const own = near[at] instanceof Copy ? checked.next().value : near[at];
    return own ?? (readings.next().value as Reading);
  });
}
