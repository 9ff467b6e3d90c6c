import type { MemoryRecord } from './memory.record.js';

/** Records in the order of their last use, as a list through the records themselves. */
export class Uses {
  private newest: MemoryRecord | undefined;
  /** The one that has not been used for longest. */
  oldest: MemoryRecord | undefined;

  /** Takes a record in, or to the front. */
  use(record: MemoryRecord): void {
    if (record === this.newest) return;
    if (record.newer !== undefined) this.remove(record);
    record.older = this.newest;
    if (this.newest !== undefined) this.newest.newer = record;
    this.newest = record;
    this.oldest ??= record;
  }

  remove(record: MemoryRecord): void {
    const { newer, older } = record;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    record.newer = undefined;
    record.older = undefined;
  }

  clear(): void {
    this.newest = undefined;
    this.oldest = undefined;
  }
}
