interface Permits {
  held: number;
  readonly queue: Set<() => void>;
}

/** Lets a number of things happen at once for each key; further ones queue, first come, first served. */
export class KeyedSemaphore<K> {
  private readonly permits = new Map<K, Permits>();

  constructor(private readonly max: number) {}

  /** Calls `enter` now or when its turn comes; each must `release` in the end. What is returned ends the wait at once. */
  acquire(key: K, enter: () => void): () => void {
    let permits = this.permits.get(key);
    if (permits === undefined) this.permits.set(key, (permits = { held: 0, queue: new Set() }));
    const { queue } = permits;
    if (permits.held < this.max) {
      permits.held++;
      enter();
      return () => undefined;
    }
    queue.add(enter);
    return () => {
      if (!queue.delete(enter)) return;
      permits.held++;
      enter();
    };
  }

  release(key: K): void {
    const permits = this.permits.get(key);
    if (permits === undefined) return;
    permits.held--;
    const [next] = permits.queue;
    if (next !== undefined && permits.held < this.max) {
      permits.queue.delete(next);
      permits.held++;
      next();
    } else if (permits.held === 0) {
      this.permits.delete(key);
    }
  }
}
