/** What stands in a list of uses. */
export interface Linked<T> {
  newer: T | undefined;
  older: T | undefined;
}

/** Records in the order of their last use, as a list through the records themselves (or through links that stand for them). */
export class Uses<T extends Linked<T>> {
  newest: T | undefined;
  /** The one that has not been used for longest. */
  oldest: T | undefined;

  /** Takes a record in, or to the front. */
  use(record: T): void {
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
