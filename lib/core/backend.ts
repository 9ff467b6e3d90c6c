/**
 * Where entries live. A backend keeps entries, leases and stamps, and answers whether what it keeps was invalidated;
 * it does not know tenants, policies or loaders. Wrappers (tiered, guarded, chaos) are backends around backends.
 *
 * The promises every backend makes are executable: see the contract suite of `nestjs-scoped-cache/testing`.
 */
import type { Application } from './application.js';
import type { Awaitable } from './async/awaitable.js';
import type { BusMaker } from './bus.js';
import type { Clock } from './clock.js';
import type { Codec } from './codec.js';
import type { Copier } from './values/copier.js';
import type { Draft, Entry, Handling, Level } from './entry.js';
import type { Glob } from './keys/glob.js';
import type { Key } from './keys/key.js';
import type { Label } from './keys/label.js';
import type { Limits } from './limits.js';
import type { Emit } from './observer.js';
import type { Partition } from './keys/partition.js';
import type { View } from './keys/space.js';
import type { Barrier, Incarnation, Stamp } from './stamp.js';

/** The answer to a read. */
export interface Reading {
  /** What is stored under the id, if anything. It may be invalidated or expired: judge it against the barrier. */
  readonly entry: Entry | undefined;
  /** What the entry has to survive. */
  readonly barrier: Barrier;
  readonly level: Level;
}

/** The right to fill one id once, proved by its token and dated by its stamp. */
export interface Lease {
  readonly key: Key;
  /** Unique; whoever holds another token has another lease. */
  readonly token: string;
  readonly incarnation: Incarnation;
  /** The partition's clock when the lease was granted, before the loader began. */
  readonly stamp: Stamp;
}

export interface LeaseRequest {
  /** How long the lease lives unless renewed. */
  readonly leaseMs: number;
  /**
   * - `missing` — a fresh entry answers the request instead of a lease; another's lease is respected.
   * - `refresh` — a lease although a fresh entry is there (early refresh); another's lease is respected.
   * - `replace` — a lease in any case; another's lease is voided, and so is its fill (put).
   */
  readonly purpose: 'missing' | 'refresh' | 'replace';
  /** What the asker has read and found unfit. As long as that still stands there, it does not answer the request. */
  readonly seen?: Entry | undefined;
}

/**
 * The answer to asking for a lease. The entry is read again in the same atomic step: somebody may have filled it
 * meanwhile, and what a flight hands to those who join it must not be older than its lease.
 */
export type LeaseReply =
  | { readonly kind: 'found'; readonly reading: Reading }
  /** `reading` is what stood there when the lease was granted: past its ttl, perhaps still good if the load fails. */
  | { readonly kind: 'granted'; readonly lease: Lease; readonly reading: Reading }
  /** Somebody else is loading. `token` is theirs: a flight of this process with the same token may be joined. */
  | { readonly kind: 'held'; readonly token: string };

/** What became of a fill. `lease-lost`: evicted, taken over or expired meanwhile; `invalidated`: one of its labels was. */
export type FillOutcome = 'stored' | 'lease-lost' | 'invalidated';

/** Which entries count or go: those of a view whose visible key matches. */
export interface Selection {
  readonly view: View;
  readonly match: Glob;
}

export interface Page {
  /** Visible keys (see `visibleKey`) of live entries. */
  readonly keys: readonly string[];
  /** Where to go on; undefined at the end. */
  readonly cursor: string | undefined;
}

/** What a view holds now. */
export interface Usage {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Facts for people: what is behind the cache and how full it is. They are about room: an entry that is past its ttl or was
 * invalidated counts until it is tidied up. `usage` counts what is live.
 */
export interface BackendInfo {
  readonly kind: string;
  readonly entries: number;
  readonly usedBytes: number;
  /** The bounds, where the backend has them. */
  readonly maxEntries?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** More from the server: version, role, memory policy. Never credentials. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface Backend {
  /** `memory`, `redis`, …: for messages and figures. */
  readonly kind: string;

  /** One round trip at most, none in memory. Never grants anything. */
  read(key: Key, how?: Handling): Awaitable<Reading>;
  /** The readings in the order of the keys; one round trip per shard. */
  readMany(keys: readonly Key[], how?: Handling): Awaitable<readonly Reading[]>;

  /**
   * Asks to be the one who loads. A lease older than the last bulk invalidation of its partition is void: it is
   * granted anew, because the flight behind it may not be joined by readers who came after (rule G2).
   */
  lease(key: Key, request: LeaseRequest): Awaitable<LeaseReply>;
  /** False when the lease was lost: the loader may go on, but its fill will be refused. */
  renew(lease: Lease, leaseMs: number): Awaitable<boolean>;
  /** Gives the lease back unused, if it is still held. */
  release(lease: Lease): Awaitable<void>;
  /** Stores under a live lease, and only if neither the floor nor any label of the draft rose since its stamp. */
  fill(lease: Lease, draft: Draft): Awaitable<FillOutcome>;

  /** Stores unconditionally, born now; voids any lease on the id. */
  write(key: Key, draft: Draft): Awaitable<void>;
  writeMany(entries: readonly (readonly [Key, Draft])[]): Awaitable<void>;
  /** Gives a live entry another life, counted from now. False when there is none. */
  expire(key: Key, freshForMs: number, keptForMs: number): Awaitable<boolean>;
  /**
   * Adds to a whole number, atomically. The expiry is set when the number is created and stays.
   * @throws NotACounterError when a live entry holds anything else.
   */
  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Awaitable<number>;

  /** Removes entries and voids their leases; how many of them were live. */
  evict(keys: readonly Key[]): Awaitable<number>;
  /** O(1) in entries: everything that carries one of the labels is invalid once this resolves. */
  invalidate(partition: Partition, labels: readonly Label[]): Awaitable<void>;
  /** The same for a whole view; how many live entries it covered, or fewer when counting them takes too long to wait for. */
  clear(view: View): Awaitable<number>;
  /** Everything of everybody. The only call that crosses partitions. */
  clearEverything(): Awaitable<number>;
  /** Removes what matches, fills under way included; how many live entries that were, all of them. */
  removeMatching(selection: Selection): Awaitable<number>;

  /** Live keys by index, a page at a time. */
  scan(selection: Selection, cursor: string | undefined): Awaitable<Page>;
  /** Exact counts of a view, or of everything. */
  usage(view: View | undefined): Awaitable<Usage>;
  info(): Awaitable<BackendInfo>;
  /** Resolves when the backend answers. */
  ping(): Awaitable<void>;
  /**
   * Waits, briefly, for the first connection. Called once when the application starts; calls before or without it work.
   * One that throws has closed the backend: nobody closes what did not start.
   * @throws BackendError when there is none and the backend was told that it must be
   */
  open?(): Awaitable<void>;
  /** Calls back when another server answers than before: it may not know the last invalidations. */
  onReborn?(listener: () => void): void;
  /** Ends timers and owned connections. Idempotent. Adopted clients stay open. */
  close(): Awaitable<void>;
}

/** What `assemble` hands to a backend when it is built. */
export interface BackendParts {
  readonly clock: Clock;
  readonly copier: Copier;
  readonly emit: Emit;
  readonly limits: Limits;
  /** The keyspace of this cache on a shared server. */
  readonly prefix: string;
  /** The door between values and bytes, for backends that keep bytes. Made when first asked for, then always the same. */
  readonly codec: () => Codec;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Who keeps entries here, for servers that others may use too. Undefined: not known. */
  readonly application?: Application | undefined;
  /** Bytes that the cache holds in this process beside its entries: scopes, spaces, counters. */
  readonly besideBytes?: (() => number) | undefined;
  /** What makes a bus of a second level's wire. Undefined: processes do not hear of each other. */
  readonly bus?: BusMaker | undefined;
}

/** What `memory()`, `redis()`, … return: a description. Nothing is opened before the module starts. */
export interface BackendFactory {
  readonly kind: string;
  create(parts: BackendParts): Backend;
}
