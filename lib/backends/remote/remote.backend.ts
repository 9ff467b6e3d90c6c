/** What is the same about any backend behind a server: which of its parts does what. */
import type {
  BackendInfo,
  FillOutcome,
  Lease,
  LeaseReply,
  LeaseRequest,
  Page,
  Reading,
  RebornListener,
  Selection,
  Usage,
} from '../../core/backend.js';
import type { Draft, Entry } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { WHOLE_SHARD, type View } from '../../core/keys/space.js';
import { apply } from '../resilience/retry-queue.js';
import type { Invalidation } from '../shared/invalidation.js';
import type { Proof, SecondLevel } from '../shared/second-level.js';
import type { Clearing } from './clearing.js';
import type { Increments } from './increments.js';
import type { ServerBackend } from './level.js';
import type { Shards } from './shards.js';
import { ServerEntry } from './stored-entry.js';
import type { DueMs, Load } from '../shared/due.js';

export interface RemoteLeases {
  ask(key: Key, request: LeaseRequest): Promise<LeaseReply>;
  /** False when the lease was lost. */
  renew(lease: Lease, leaseMs: number): Promise<boolean>;
  release(lease: Lease): Promise<void>;
  /** Gives back, while the connection is there, what no load uses. */
  close(): Promise<void>;
}

export interface RemoteWrites {
  /** What copies of stored drafts can be checked by. */
  readonly proofs: WeakMap<Draft, Proof>;
  fill(lease: Lease, draft: Draft, load?: Load): Promise<FillOutcome>;
  /** @param dueMs when the caller is told that it failed */
  write(key: Key, draft: Draft, dueMs?: DueMs): Promise<void>;
  writeMany(entries: readonly (readonly [Key, Draft])[], dueMs?: DueMs): Promise<void>;
  expire(key: Key, freshForMs: number, keptForMs: number, load?: Load): Promise<boolean>;
}

export interface RemoteInvalidation<S> {
  readonly clearing: Clearing<S>;
  evict(keys: readonly Key[]): Promise<number>;
  removeMatching(selection: Selection): Promise<number>;
}

export abstract class RemoteBackend<S> implements ServerBackend {
  onReachable: (() => void) | undefined;
  onAway: ((why: string) => void) | undefined;
  onTrouble: ((why: string) => void) | undefined;
  private tellReborn: RebornListener | undefined;

  abstract readonly kind: string;
  abstract readonly validator: Pick<SecondLevel, 'stillStands'>;
  protected abstract readonly shards: Shards<S>;
  protected abstract readonly leases: RemoteLeases;
  protected abstract readonly writes: RemoteWrites;
  protected abstract readonly increments: Increments;
  protected abstract readonly invalidation: RemoteInvalidation<S>;
  protected abstract readonly scanner: {
    page(shards: readonly S[], selection: Selection, cursor: string | undefined): Promise<Page>;
  };
  /** How a mark is written in a proof. */
  protected abstract readonly markEncoding: 'latin1' | 'base64url';
  /** Whether clears count what they remove, which takes an index. */
  protected abstract readonly counts: boolean;

  abstract read(key: Key): Promise<Reading>;
  abstract usage(view: View | undefined): Promise<Usage>;
  abstract info(): Promise<BackendInfo>;
  abstract ping(): Promise<void>;
  abstract open(): Promise<void>;
  abstract close(): Promise<void>;

  readMany(keys: readonly Key[]): Promise<readonly Reading[]> {
    return Promise.all(keys.map((key) => this.read(key)));
  }

  lease(key: Key, request: LeaseRequest): Promise<LeaseReply> {
    return this.leases.ask(key, request);
  }

  renew(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.leases.renew(lease, leaseMs);
  }

  release(lease: Lease): Promise<void> {
    return this.leases.release(lease);
  }

  fill(lease: Lease, draft: Draft, load?: Load): Promise<FillOutcome> {
    return this.writes.fill(lease, draft, load);
  }

  write(key: Key, draft: Draft, dueMs?: DueMs): Promise<void> {
    return this.writes.write(key, draft, dueMs);
  }

  writeMany(entries: readonly (readonly [Key, Draft])[], dueMs?: DueMs): Promise<void> {
    return this.writes.writeMany(entries, dueMs);
  }

  expire(key: Key, freshForMs: number, keptForMs: number, load?: Load): Promise<boolean> {
    return this.writes.expire(key, freshForMs, keptForMs, load);
  }

  increment(key: Key, by: number, draft: Omit<Draft, 'value'>, dueMs?: DueMs): Promise<number> {
    return this.increments.add(key, by, draft, dueMs);
  }

  evict(keys: readonly Key[]): Promise<number> {
    return this.invalidation.evict(keys);
  }

  invalidate(partition: Partition, labels: readonly Label[]): Promise<void> {
    return this.invalidation.clearing.invalidate(partition, labels);
  }

  clear(view: View): Promise<number> {
    return this.invalidation.clearing.clear(view, this.counts);
  }

  clearEverything(view: View = WHOLE_SHARD): Promise<number> {
    return this.invalidation.clearing.clearEverything(view, this.counts);
  }

  async resend(invalidation: Invalidation): Promise<void> {
    if (!(await this.invalidation.clearing.resend(invalidation))) await apply(this, invalidation);
  }

  async removeMatching(selection: Selection): Promise<number> {
    return this.invalidation.removeMatching(selection);
  }

  async scan(selection: Selection, cursor: string | undefined): Promise<Page> {
    return this.scanner.page(this.shards.all(selection.view.partition), selection, cursor);
  }

  onReborn(listener: RebornListener): void {
    this.tellReborn = listener;
  }

  /** Counters are added to in place, so nothing about a copy of one could be checked. */
  proofOf(of: Entry | Draft): Proof | undefined {
    if (!(of instanceof ServerEntry)) return this.writes.proofs.get(of as Draft);
    const { mark, generation, stamp, counter } = of;
    return counter === undefined ? { mark: mark.toString(this.markEncoding), generation, stamp } : undefined;
  }

  /** Another server answers than before, or a restarted one. */
  protected reborn(): void {
    this.tellReborn?.();
  }
}
