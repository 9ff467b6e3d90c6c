import type { Page } from '../core/backend.js';
import type { Glob } from '../core/glob.js';
import { visibleKey } from '../core/key.js';
import type { Group } from './memory.record.js';
import type { MemoryStore } from './memory.store.js';

const PAGE_SIZE = 500;
/** Records looked at for one page: a pattern that matches little must not hold up the process. */
const LOOKED_AT = 2_000;

/**
 * A page of visible keys, group by group and each in the order of its records' numbers. The cursor is `<number of the
 * group>.<number of the last record looked at>`: it outlives groups and records that come and go. A key that is written
 * anew during a listing gets a new number, so it may be listed twice; none that stays is left out.
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
    const last = group.order === from.order ? from.number : 0;
    for (const record of group.records.values()) {
      if (record.number <= last) continue;
      const visible = visibleKey(record.identity);
      if (match.test(visible) && store.isLive(record, nowMs)) keys.push(visible);
      if (keys.length >= PAGE_SIZE || --left === 0) return { keys, cursor: `${group.order}.${record.number}` };
    }
  }
  return { keys, cursor: undefined };
}

function parse(cursor: string | undefined): { readonly order: number; readonly number: number } {
  const [order = '0', number = '0'] = cursor?.split('.') ?? [];
  return { order: Number(order), number: Number(number) };
}
