import type { BackendInfo } from '../../core/backend.js';
import type { Draft } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Invalidation } from './invalidation.js';
import type { DueMs } from './due.js';

/**
 * Which server keeps what, of a backend that is several: its owner. Each may be away alone, and what one keeps may pass to
 * another while it is used, so what is said here holds for the moment.
 */
export interface Owners {
  /** Grows when something passes to another owner. */
  readonly version: number;
  /** The owner of a key; '': not known yet. It is asked before every call. */
  of(key: Key): string;
  /** All that there are. */
  all(): ReadonlySet<string>;
  /** Those that an invalidation has to reach. */
  concernedBy(invalidation: Invalidation): ReadonlySet<string>;
  /** Whether something of a partition lies with this owner. */
  keeps(owner: string, partition: Partition): boolean;
  /** Applies an invalidation to what lies with one owner; how many live entries that removed, where `counts`. */
  apply(owner: string, invalidation: Invalidation, counts: boolean): Promise<number>;
  /**
   * Makes many entries ready to be stored, before any is, and answers what stores those of each owner.
   * @throws UnserializableError, ValueTooLargeError
   */
  seal(entries: readonly (readonly [Key, Draft])[]): Promise<ReadonlyMap<string, (dueMs: DueMs) => Promise<void>>>;
  /** Resolves when this owner answers. */
  ping(owner: string): Promise<void>;
  /** What this owner says of itself and of everything that is on it. */
  info(owner: string): Promise<BackendInfo>;
  /** Called when something has passed to another owner, before anything is asked of that one. */
  onMoved: (() => void) | undefined;
  /** Called when an owner is back whose connection had ended: it may have been started again with yesterday's data. */
  onReturned: ((owner: string) => void) | undefined;
  /** Called when the connection to an owner has ended: of what was asked on it no answer comes. */
  onGone: ((owner: string) => void) | undefined;
}
