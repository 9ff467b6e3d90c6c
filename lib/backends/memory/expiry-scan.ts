import type { Group, MemoryRecord } from './record.js';

/** Records looked at for each one that has to go. */
const LOOKED_AT = 4;

/**
 * Goes round all records, a few at a time, and comes upon those that are no longer valid. Where the least recently used
 * one is spared, nothing else reaches what has expired behind it: it would keep its room as long as that one stays.
 */
export class Janitor {
  private round: Iterator<MemoryRecord> | undefined;

  constructor(private readonly groups: ReadonlyMap<string, Group>) {}

  /** One of the next few that is not live. */
  find(isLive: (record: MemoryRecord) => boolean): MemoryRecord | undefined {
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      this.round ??= recordsOf(this.groups);
      const next = this.round.next();
      if (next.done === true) this.round = undefined;
      else if (!isLive(next.value)) return next.value;
    }
    return undefined;
  }

  /** All groups are gone: what is left in the one that was being looked over is in no store. */
  beginAnew(): void {
    this.round = undefined;
  }
}

function* recordsOf(groups: ReadonlyMap<string, Group>): Generator<MemoryRecord, void> {
  for (const { records } of groups.values()) yield* records.values();
}
