import type { Key, KeyId } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';

/** Fills under way without a caller that waits, and their bytes: beyond them callers wait, and hold back what loads. */
const MAX_FILLS = 1_000;
const MAX_BYTES = 16 * 1_048_576;

/** A value on its way to a server while its callers have it already. */
export interface PendingFill {
  /** Resolves when it is stored, or known not to be. Never rejects. */
  readonly landed: Promise<void>;
  /** To be called then, once or more. */
  end(): void;
}

/**
 * Fills whose callers have been answered. What is asked about their entries in this process waits for them: a caller that
 * has loaded a value finds it stored, as if it had waited itself.
 */
export class PendingFills {
  /** The newest of each key: an older one has lost its lease. */
  private readonly newest = new Map<KeyId, { readonly partition: Partition; readonly fill: PendingFill }>();
  /** 0, as nearly always: nothing is to be waited for. */
  count = 0;
  private bytes = 0;

  /** Whether one more may go on by itself. */
  admits(sizeBytes: number): boolean {
    return this.count < MAX_FILLS && this.bytes + sizeBytes <= MAX_BYTES;
  }

  begin({ id, space: { partition } }: Key, sizeBytes: number): PendingFill {
    let land = (): void => undefined;
    let isOver = false;
    const fill: PendingFill = {
      landed: new Promise((resolve) => (land = resolve)),
      end: () => {
        if (isOver) return;
        isOver = true;
        this.count--;
        this.bytes -= sizeBytes;
        if (this.newest.get(id)?.fill === fill) this.newest.delete(id);
        land();
      },
    };
    this.count++;
    this.bytes += sizeBytes;
    this.newest.set(id, { partition, fill });
    return fill;
  }

  /** Until the fill of a key under way has landed; undefined: there is none. */
  of({ id }: Pick<Key, 'id'>): Promise<void> | undefined {
    return this.count === 0 ? undefined : this.newest.get(id)?.fill.landed;
  }

  /** Until those of the keys have. */
  async ofAll(keys: readonly Pick<Key, 'id'>[]): Promise<void> {
    for (const key of keys) await this.of(key);
  }

  /** Until those of a partition have, as far as they are under way now; of all partitions without one. */
  async within(partition: Partition | undefined): Promise<void> {
    const some = [...this.newest.values()].filter((one) => partition === undefined || one.partition === partition);
    await Promise.all(some.map(({ fill }) => fill.landed));
  }
}
