import type { GroupIndex } from './group-index.js';
import type { MemoryRecord } from './record.js';

/** Records examined for each one that has to be displaced. */
const EXAMINED_PER_CALL = 4;

/** Round-robin scan for expired records: a protected LRU tail would shield expired entries behind it. */
export class ExpiryScan {
  private cursor: Iterator<MemoryRecord> | undefined = undefined;

  constructor(private readonly groups: GroupIndex) {}

  /** The first of the next few records that is not live. */
  nextExpired(isLive: (record: MemoryRecord) => boolean): MemoryRecord | undefined {
    for (let looked = 0; looked < EXAMINED_PER_CALL; looked++) {
      this.cursor ??= recordsOf(this.groups);
      const next = this.cursor.next();
      if (next.done === true) this.cursor = undefined;
      else if (!isLive(next.value)) return next.value;
    }
    return undefined;
  }

  /** The store was cleared: the records of the group under the cursor are in no store any more. */
  restart(): void {
    this.cursor = undefined;
  }
}

function* recordsOf(groups: GroupIndex): Generator<MemoryRecord, void> {
  for (const { records } of groups.values()) yield* records.values();
}
