/**
 * Where entries live. A backend keeps entries, leases and stamps, and answers whether what it keeps was invalidated;
 * it does not know tenants, policies or loaders. Wrappers (tiered, guarded, chaos) are backends around backends.
 *
 * The promises every backend makes are executable: `backendContract` of `nestjs-scoped-cache/backend`.
 *
 * An entry is _valid_ while it survives what was invalidated (`survives`), _live_ while it is valid and its time of keeping
 * has not ended, and _fresh_ while it is valid and within its ttl. Each method says which of them it means.
 */
import type { Application } from './application.js';
import type { Awaitable } from './async/awaitable.js';
import type { BusMaker } from './bus.js';
import type { Clock } from './clock.js';
import type { Codec } from './codec.js';
import type { Copier } from './values/copier.js';
import type { Draft, Entry, Handling, Level } from './entry.js';
import type { Glob } from './keys/glob.js';
import type { Key, KeyName } from './keys/key.js';
import type { Label } from './keys/label.js';
import type { Limits } from './limits.js';
import type { Emit } from './observer.js';
import type { Partition } from './keys/partition.js';
import type { Space, View } from './keys/space.js';
import type { RequiredStamp, Generation, Stamp } from './stamp.js';

/** The answer to a read. What is invalidated or past its time may be left out of it; what is fresh may not. */
export interface Reading {
  /** What is stored under the id, if anything. It may be invalidated or expired: judge it against the required stamp. */
  readonly entry: Entry | undefined;
  /** What the entry has to survive, worked out after the entry was read. Without an entry it is not looked at. */
  readonly required: RequiredStamp;
  /** `l1` from a backend that keeps objects in this process, `l2` from one that keeps them anywhere else. */
  readonly level: Level;
  /**
   * Of many keys: the server that keeps this one did not answer, while others did, and this is why. There is no entry then.
   */
  readonly unanswered?: Error | undefined;
}

/** An entry that is at hand in this process, and what it has to survive: its own reading. */
export interface EntryAtHand extends Entry {
  readonly required: RequiredStamp;
  isOf(name: KeyName): boolean;
}

/**
 * The right to fill one id once, proved by its token and dated by its stamp. It ends with its fill, its release, its time,
 * another lease by `replace`, and each `write`, `increment` or `evict` of its key. It need not outlive its process.
 */
export interface Lease {
  readonly key: Key;
  /** Unique: another token is another lease. */
  readonly token: string;
  readonly generation: Generation;
  /** The partition's clock when the lease was granted, before the loader began. */
  readonly stamp: Stamp;
}

export interface LeaseRequest {
  /** How long the lease lives unless renewed. */
  readonly leaseMs: number;
  /**
   * - `missing` — a fresh entry answers the request (`found`) instead of a lease; another's lease is respected (`held`).
   * - `refresh` — a lease although a fresh entry is there (early refresh); another's lease is respected.
   * - `replace` — a lease in any case; another's lease is voided, and so is its fill (put).
   */
  readonly purpose: 'missing' | 'refresh' | 'replace';
  /**
   * What the caller has read and found unfit. As long as that still stands there, it does not answer the request: a server
   * with a clock of its own may still call it fresh. A backend that judges by `BackendParts.clock` may ignore it.
   */
  readonly seen?: Entry | undefined;
}

/**
 * The answer to asking for a lease. The entry is read again in the same atomic step: another process may have filled it
 * meanwhile, and what a load hands to callers that join it must not be older than its lease.
 */
export type LeaseReply =
  | { readonly kind: 'found'; readonly reading: Reading }
  /** `reading` is what stood there when the lease was granted: past its ttl, perhaps still good if the load fails. */
  | { readonly kind: 'granted'; readonly lease: Lease; readonly reading: Reading }
  /** Another caller is loading. `token` is that of its lease: a load of this process with the same token may be joined. */
  | { readonly kind: 'held'; readonly token: string };

/**
 * What became of a fill. `lease-lost`: the lease had ended, or belongs to another. `invalidated`: a label of the draft, or all
 * of its partition, was invalidated since the lease was granted; the lease ends with it, so that the next caller need not wait.
 */
export type FillOutcome = 'stored' | 'lease-lost' | 'invalidated';

/** Which entries count or go: those of a view whose visible key matches. */
export interface Selection {
  readonly view: View;
  readonly match: Glob;
}

export interface Page {
  /** Visible keys (see `visibleKey`) of live entries. A page may be empty although there is another. */
  readonly keys: readonly string[];
  /** Where to go on; undefined at the end. */
  readonly cursor: string | undefined;
}

/** What a view holds now: its live entries, and about how many bytes they take. */
export interface Usage {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Facts for people: what is behind the cache and how full it is. They are about room: an entry that is past its ttl or was
 * invalidated counts until it is tidied up. `usage` counts what is live.
 */
export interface BackendInfo {
  /** `memory`, `redis`, `mongo`, …; `null` for a cache that is switched off. */
  readonly kind: string;
  readonly entries: number;
  readonly usedBytes: number;
  /** The bound on entries. @default none */
  readonly maxEntries?: number | undefined;
  /** The bound on bytes. @default none */
  readonly maxBytes?: number | undefined;
  /**
   * More from the server: version, role, memory policy. Of a cluster `masters`, how many it has, and `missing`, the
   * addresses of those that do not answer: the numbers above are then of the others. Never credentials.
   * @default none
   */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What a backend has at hand in this process. */
export interface AtHand {
  /**
   * The backend itself. In the hands of any other, which inherits from it or is a proxy before it, this is not looked at:
   * its own `read` has to be asked.
   */
  readonly of: Backend;
  /**
   * What `read` would find, at once and without a key: `text` is what names the entry inside the space. It is judged like any
   * other. Undefined: `read` tells.
   */
  glance(space: Space, text: string): EntryAtHand | undefined;
}

/** @param concerns of several servers the one that has changed: which partitions it keeps. Undefined: it may be any */
export type RebornListener = (concerns?: (partition: Partition) => boolean) => void;

/**
 * A place where entries live. Methods answer at once or with a real promise; each is atomic for its partition.
 *
 * @experimental For backends of your own: the contract may change until 0.1.0.
 */
export interface Backend {
  /** `memory`, `redis`, …: for messages and figures. */
  readonly kind: string;
  /**
   * True: `lease` takes one round trip, as `read` does, and answers `found` as reliably. Where most reads miss, callers ask
   * for the lease at once then. What stands around such a backend says it for itself: one that answers reads sooner does not.
   */
  readonly leasesInOneTrip?: boolean | undefined;

  /** One round trip at most, none in memory. Never grants anything. */
  read(key: Key, how?: Handling): Awaitable<Reading>;
  /**
   * Only for a backend that keeps all it has in this process, whose writes are done when they return, and which looks at
   * nothing else for `read`. What stands around another backend has to see each read, and never gets this with the rest.
   */
  readonly atHand?: AtHand | undefined;
  /** The readings in the order of the keys; one round trip per shard. */
  readMany(keys: readonly Key[], how?: Handling): Awaitable<readonly Reading[]>;

  /**
   * Asks for the right to load. Reading, deciding and granting are one atomic step. A lease older than the last bulk
   * invalidation of its partition (`invalidate`, `clear`, `removeMatching`) is void: it is granted anew, because a caller that
   * came after may not join the load behind it (rule G2).
   */
  lease(key: Key, request: LeaseRequest): Awaitable<LeaseReply>;
  /** The lease lives `leaseMs` from now. False when it was lost: the loader may go on, but its fill will be refused. */
  renew(lease: Lease, leaseMs: number): Awaitable<boolean>;
  /** Gives the lease back unused, if it is still held. */
  release(lease: Lease): Awaitable<void>;
  /**
   * Stores with the stamp of the lease, if the lease still stands, and only if nothing that covers the draft was invalidated
   * since: neither its partition nor one of its labels, and no pattern was removed in its partition. A value that cannot be
   * stored leaves the lease with its holder.
   * @throws UnserializableError, ValueTooLargeError
   */
  fill(lease: Lease, draft: Draft): Awaitable<FillOutcome>;

  /**
   * Stores unconditionally, with the stamp of now; voids any lease on the id. The value belongs to the caller, who may change
   * it as soon as the answer is there.
   * @throws UnserializableError, ValueTooLargeError; what stood there stays
   */
  write(key: Key, draft: Draft): Awaitable<void>;
  /** The same for many, in their order. When one of the values cannot be stored, none is. */
  writeMany(entries: readonly (readonly [Key, Draft])[]): Awaitable<void>;
  /** Gives a fresh entry another life, counted from now; its stamp stays. False when there is none. */
  expire(key: Key, freshForMs: number, keptForMs: number): Awaitable<boolean>;
  /**
   * Adds to a whole number, atomically. Where no fresh entry is, it begins at zero with the life of the draft; otherwise life
   * and stamp stay. Voids any lease on the id.
   * @throws NotACounterError when a fresh entry holds anything but a safe integer, or would no longer be one; it stays
   */
  increment(key: Key, by: number, draft: Omit<Draft, 'value'>): Awaitable<number>;

  /** Removes entries and voids their leases; how many of them were live, each counted once. */
  evict(keys: readonly Key[]): Awaitable<number>;
  /**
   * O(1) in entries: everything that carries one of the labels is invalid once this resolves, also what is being loaded. A
   * backend that bounds the labels it remembers invalidates more than was asked for, in this partition.
   */
  invalidate(partition: Partition, labels: readonly Label[]): Awaitable<void>;
  /**
   * The same for a whole view; how many live entries it covered. All of them, unless counting takes too long to wait for: the
   * contract asks for exact counts of thousands.
   */
  clear(view: View): Awaitable<number>;
  /**
   * Everything of all partitions: the only call that crosses them. With a view a namespace of all of them, whose label is
   * invalidated in each; what cannot tell it from the rest clears everything, which is more than was asked for and never less.
   */
  clearEverything(view?: View): Awaitable<number>;
  /**
   * Removes what matches; how many live entries that were, all of them. Whether a load under way matches is not known,
   * so a fill whose lease was granted before is refused in the whole partition. Works in portions, see `Pace`.
   */
  removeMatching(selection: Selection): Awaitable<number>;

  /**
   * Live keys, a page at a time, in portions (see `Pace`). The cursor is the backend's own text. What stays during a listing is
   * listed, whatever comes and goes meanwhile.
   */
  scan(selection: Selection, cursor: string | undefined): Awaitable<Page>;
  /** Exact figures of a view, or of everything: what is live. */
  usage(view: View | undefined): Awaitable<Usage>;
  info(): Awaitable<BackendInfo>;
  /** Resolves when the backend answers. */
  ping(): Awaitable<void>;
  /**
   * Waits, briefly, for the first connection. Called once when the application starts; calls before or without it work.
   * One that throws has closed the backend: no caller closes what did not start.
   * @throws BackendError when there is none and the backend was told that it must be
   */
  open?(): Awaitable<void>;
  /** Calls back when another server answers than before: it may not know the last invalidations. */
  onReborn?(listener: RebornListener): void;
  /** Ends timers and owned connections. Idempotent. Adopted clients stay open. */
  close(): Awaitable<void>;
}

/** What a cache hands to a backend when it is built. */
export interface BackendParts {
  /**
   * What the application means by time, for ends of entries. What has to go on while a test holds that time goes by
   * `machineOf(clock)`: leases, deadlines, pauses.
   */
  readonly clock: Clock;
  /** For backends that keep objects: takes values in, and hands out copies. */
  readonly copier: Copier;
  /** For telling people: `emit.event({ type: 'warning', message })`. */
  readonly emit: Emit;
  /** `maxValueBytes` is the backend's to keep. The codec does; so does `copier.admit` when it is told. */
  readonly limits: Limits;
  /** The keyspace of this cache on a shared server. */
  readonly prefix: string;
  /** What turns values into bytes and back, for backends that keep bytes. Made when first asked for, then always the same. */
  readonly codec: () => Codec;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Which application keeps entries here, for servers that others may use too. Undefined: not known. */
  readonly application?: Application | undefined;
  /** Bytes that the cache holds in this process beside its entries: scopes, spaces, counters. */
  readonly besideBytes?: (() => number) | undefined;
  /** What makes a bus of a second level's wire. Undefined: processes do not hear of each other. */
  readonly bus?: BusMaker | undefined;
}

/** What `memory()`, `redis()`, … return: a description. Nothing is opened before the module starts. */
export interface BackendFactory {
  readonly kind: string;
  /**
   * What the line at the start says of it: kind, address, levels. Never a user or a password.
   * @default the kind
   */
  readonly about?: string | undefined;
  create(parts: BackendParts): Backend;
}
