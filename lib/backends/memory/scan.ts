import type { Page, Selection } from '../../core/backend.js';
import { stepsToTest } from '../../core/keys/glob.js';
import { visibleKey } from '../../core/keys/key.js';
import type { Pace } from '../../core/async/pace.js';
import type { MemoryStore } from './store.js';
import { isIn } from './cleanup.js';

const PAGE_SIZE = 500;
/** Records examined for one page: the caller may not need the next one. */
const EXAMINED_PER_PAGE = 2_000;
/** What a scan costs: a group or record that is skipped, and a record that is examined. */
const PASSING_STEPS = 10;
const RECORD_STEPS = 125;

/**
 * A page of visible keys, group by group and each in the order of its records' numbers. The cursor is `<number of the
 * group>.<number of the last record examined>`: it outlives groups and records that come and go. A key that is written
 * again during a listing gets a new number, so it may be listed twice; none that stays is left out.
 */
export async function scanPage(
  store: MemoryStore,
  { view, match }: Selection,
  nowMs: number,
  cursor: string | undefined,
  pace: Pace,
): Promise<Page> {
  const from = parse(cursor);
  const keys: string[] = [];
  let left = EXAMINED_PER_PAGE;
  for (const group of store.groups(view.partition)) {
    const turn = pace.take(PASSING_STEPS);
    if (turn !== undefined) await turn;
    if (group.order < from.order || !isIn(view, group)) continue;
    const last = group.order === from.order ? from.number : 0;
    for (const record of group.records.values()) {
      const isPast = record.number <= last;
      const next = pace.take(isPast ? PASSING_STEPS : RECORD_STEPS + stepsToTest(match, record.text.length));
      if (next !== undefined) await next;
      if (isPast || (next !== undefined && !store.holds(record))) continue;
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
