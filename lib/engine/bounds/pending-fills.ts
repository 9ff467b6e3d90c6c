import type { Key, KeyId } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';

/** Fills under way without a caller that waits, and their bytes: beyond them callers wait, and hold back what loads. */
const MAX_FILLS = 1_000;
const MAX_BYTES = 16 * 1_048_576;

/** A value on its way to a server while its callers have it already. */
export interface PendingFill {
  /** Resolves when it is stored, or known not to be: true where something that was removed meanwhile meant it. Never rejects. */
  readonly landed: Promise<boolean>;
  /** To be called then, once or more. */
  end(isRemoved?: boolean): void;
}

interface UnderWay {
  readonly key: Key;
  readonly fill: PendingFill;
  /** A removal that means it counts it. */
  isClaimed: boolean;
}

/**
 * Fills whose callers have been answered. What is asked about their entries in this process waits for them: a caller that
 * has loaded a value finds it stored, as if it had waited itself.
 */
export class PendingFills {
  /** The newest of each key: an older one has lost its lease. */
  private readonly newest = new Map<KeyId, UnderWay>();
  /** 0, as nearly always: nothing is to be waited for. */
  count = 0;
  private bytes = 0;

  /** Whether one more may go on by itself. */
  admits(sizeBytes: number): boolean {
    return this.count < MAX_FILLS && this.bytes + sizeBytes <= MAX_BYTES;
  }

  begin(key: Key, sizeBytes: number): PendingFill {
    const { id } = key;
    let land: (isRemoved: boolean) => void = () => undefined;
    let isOver = false;
    const fill: PendingFill = {
      landed: new Promise((resolve) => (land = resolve)),
      end: (isRemoved = false) => {
        if (isOver) return;
        isOver = true;
        this.count--;
        this.bytes -= sizeBytes;
        if (this.newest.get(id)?.fill === fill) this.newest.delete(id);
        land(isRemoved);
      },
    };
    this.count++;
    this.bytes += sizeBytes;
    this.newest.set(id, { key, fill, isClaimed: false });
    return fill;
  }

  /** Until the fill of a key under way has landed; undefined: there is none. */
  of({ id }: Pick<Key, 'id'>): Promise<unknown> | undefined {
    return this.count === 0 ? undefined : this.newest.get(id)?.fill.landed;
  }

  /** Until those of the keys have. */
  async ofAll(keys: readonly Pick<Key, 'id'>[]): Promise<void> {
    for (const key of keys) await this.of(key);
  }

  /** Until those of a partition have, as far as they are under way now; of all partitions without one. */
  async within(partition: Partition | undefined): Promise<void> {
    const some = [...this.newest.values()].filter(
      ({ key }) => partition === undefined || key.space.partition === partition,
    );
    await Promise.all(some.map(({ fill }) => fill.landed));
  }

  /**
   * How many of those that are under way now were refused, once they have landed: to their callers they were stored. To be
   * asked before a removal is sent, which does not wait: what is stored before it is counted by the backend, the rest here,
   * and by one removal only.
   */
  async refusedOf(isMeant: (key: Key) => boolean): Promise<number> {
    const mine = [...this.newest.values()].filter((one) => !one.isClaimed && isMeant(one.key));
    for (const one of mine) one.isClaimed = true;
    const landed = await Promise.all(mine.map(({ fill }) => fill.landed));
    return landed.filter((isRemoved) => isRemoved).length;
  }
}
