/**
 * A map of a kind of which there are very many, nearly all with one entry: that one is kept without a table, which takes
 * 150 bytes however little is in it. In the order of insertion, as a `Map` is.
 */
export class SmallMap<K extends string, V> {
  private onlyKey: K | undefined = undefined;
  private only: V | undefined = undefined;
  /** From the second entry on, until all have gone. */
  private many: Map<K, V> | undefined = undefined;

  get size(): number {
    if (this.many !== undefined) return this.many.size;
    return this.onlyKey === undefined ? 0 : 1;
  }

  get(key: K): V | undefined {
    if (this.many !== undefined) return this.many.get(key);
    return this.onlyKey === key ? this.only : undefined;
  }

  has(key: K): boolean {
    return this.many === undefined ? this.onlyKey === key : this.many.has(key);
  }

  set(key: K, value: V): void {
    if (this.many !== undefined) {
      this.many.set(key, value);
    } else if (this.onlyKey === undefined || this.onlyKey === key) {
      this.onlyKey = key;
      this.only = value;
    } else {
      this.many = new Map([
        [this.onlyKey, this.only as V],
        [key, value],
      ]);
      this.onlyKey = undefined;
      this.only = undefined;
    }
  }

  delete(key: K): boolean {
    const { many } = this;
    if (many !== undefined) {
      const wasThere = many.delete(key);
      if (many.size === 0) this.many = undefined;
      return wasThere;
    }
    if (this.onlyKey !== key) return false;
    this.onlyKey = undefined;
    this.only = undefined;
    return true;
  }

  clear(): void {
    this.many?.clear();
    this.many = undefined;
    this.onlyKey = undefined;
    this.only = undefined;
  }

  /** A walk over several may rest while entries come and go, as one over a `Map`; one over a single entry ends behind it. */
  values(): IterableIterator<V> {
    return this.many?.values() ?? (this.onlyKey === undefined ? [] : [this.only as V]).values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    const { many, onlyKey } = this;
    if (many !== undefined) return many.entries();
    return (onlyKey === undefined ? [] : [[onlyKey, this.only as V] as [K, V]]).values();
  }
}
