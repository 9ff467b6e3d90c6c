import type { Page } from '../core/backend.js';
import type { Glob } from '../core/glob.js';
import { visibleKey } from '../core/key.js';
import type { Group } from './memory.partition.js';
import type { MemoryStore } from './memory.store.js';

const PAGE_SIZE = 500;
/** Records looked at for one page: a pattern that matches little must not hold up the process. */
const LOOKED_AT = 2_000;

/**
 * A page of visible keys, group by group and each from its end. The cursor is `<number of the group>.<ids of it not yet
 * visited>`: it outlives groups that come and go. A removal moves the last id of a group into the hole, so a key may be
 * listed twice; none that stays is left out.
 */
export function scanPage(
  store: MemoryStore,
  groups: readonly Group[],
  match: Glob,
  nowMs: number,
  cursor: string | undefined,
): Page {
  const from = parse(cursor);
  const keys: string[] = [];
  let left = LOOKED_AT;
  for (const group of groups) {
    if (group.order < from.order) continue;
    let at = Math.min(group.order === from.order ? from.left : Infinity, group.ids.length);
    while (at > 0) {
      if (keys.length >= PAGE_SIZE || left-- === 0) return { keys, cursor: `${group.order}.${at}` };
      const id = group.ids[--at]!;
      const visible = visibleKey(id);
      const record = match.test(visible) ? store.peek(id) : undefined;
      if (record !== undefined && store.isLive(record, nowMs)) keys.push(visible);
    }
  }
  return { keys, cursor: undefined };
}

function parse(cursor: string | undefined): { readonly order: number; readonly left: number } {
  const [order = '0', left = '0'] = cursor?.split('.') ?? [];
  return { order: Number(order), left: Number(left) };
}
