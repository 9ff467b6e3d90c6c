/** What the cache is a cache of: a version for each key, which only goes up. */
export class VersionedSource {
  private readonly versions = new Map<string, number>();
  private readonly writing = new Map<string, Promise<unknown>>();

  version(key: string): number {
    return this.versions.get(key) ?? 0;
  }

  commit(key: string): number {
    const next = this.version(key) + 1;
    this.versions.set(key, next);
    return next;
  }

  /**
   * One writer at a time for each key. An application that stores values it read before somebody else's commit makes
   * itself stale, and no cache could help it; the checker must not blame the cache for that.
   */
  async exclusively<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.writing.get(key);
    const mine = (async () => {
      await before;
      return work();
    })();
    this.writing.set(
      key,
      mine.catch(() => undefined),
    );
    return mine;
  }
}
