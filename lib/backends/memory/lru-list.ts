/** A node of an LRU list. */
export interface Linked<T> {
  newer: T | undefined;
  older: T | undefined;
}

/** Records by last use: an intrusive doubly linked list through the records themselves, or through nodes that point to them. */
export class LruList<T extends Linked<T>> {
  newest: T | undefined = undefined;
  /** The least recently used. */
  oldest: T | undefined = undefined;

  /** Adds a record, or moves it to the front. */
  touch(record: T): void {
    if (record === this.newest) return;
    if (record.newer !== undefined) this.remove(record);
    record.older = this.newest;
    if (this.newest !== undefined) this.newest.newer = record;
    this.newest = record;
    this.oldest ??= record;
  }

  remove(record: T): void {
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
