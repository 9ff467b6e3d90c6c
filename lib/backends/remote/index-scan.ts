import type { Page, Usage } from '../../core/backend.js';
import { sum } from '../shared/batches.js';

/**
 * A page of a listing that goes through one shard after another. The cursor is the number of a shard, and the last id
 * seen in it.
 */
export async function pageOf<S>(
  shards: readonly S[],
  cursor: string | undefined,
  pageIn: (shard: S, after: string | undefined) => Promise<Page>,
): Promise<Page> {
  const [number, after] = parseCursor(cursor);
  const shard = shards[number];
  if (shard === undefined) return { keys: [], cursor: undefined };
  const page = await pageIn(shard, after);
  if (page.cursor !== undefined) return { keys: page.keys, cursor: `${number} ${page.cursor}` };
  return { keys: page.keys, cursor: number + 1 < shards.length ? `${number + 1}` : undefined };
}

/** A cursor comes from a caller: one that never was one begins at the end. */
function parseCursor(cursor: string | undefined): [number, string | undefined] {
  if (cursor === undefined) return [0, undefined];
  const [, number, after] = /^(\d{1,4})(?: (.+))?$/s.exec(cursor) ?? [];
  return [Number(number ?? Infinity), after];
}

export function totalOf(usages: readonly Usage[]): Usage {
  return { entries: sum(usages.map(({ entries }) => entries)), bytes: sum(usages.map(({ bytes }) => bytes)) };
}
