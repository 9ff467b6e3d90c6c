import type { Level } from './entry.js';
import type { Width } from './keys/scope.js';
import type { Space } from './keys/space.js';
import type { Verdict } from './verdict.js';

/** Where an event happened. Names of spaces and digests of keys; never a value, an argument or a raw key. */
export interface EventPlace {
  /** The family of keys. */
  readonly namespace: string;
  /** Which callers share the entry. */
  readonly width: Width;
  /** Eight characters that tell keys apart in a log without giving them away. */
  readonly keyDigest?: string | undefined;
}

/**
 * Why a loaded value was not stored. Its callers got it all the same.
 * - `lease-lost`: its key was written or removed meanwhile, or another load has taken over
 * - `invalidated`: a tag, the namespace or the scope that it belongs to was invalidated meanwhile
 * - `tainted`: its loader read something that fewer callers may see
 * - `unserializable`: it cannot be kept faithfully
 * - `too-large`: it is above `limits.maxValueBytes`, or larger than the backend keeps
 * - `quota`: its tenant stores as much as it may
 * - `skipped`: its loader called `skip()`, or `unless` said so
 * - `undefined`: there was nothing to store
 * - `backend`: the backend failed
 * - `loader-too-long`: it took longer than `maxLoad`
 * - `closed`: the application was closing
 * - `inner-expired`: an entry that it was made of has expired meanwhile
 * - `rule`: `ttl`, `unless` or `resultTags` is a function that threw, or answered what is none
 */
export type RefusalReason =
  | 'lease-lost'
  | 'invalidated'
  | 'tainted'
  | 'unserializable'
  | 'too-large'
  | 'quota'
  | 'skipped'
  | 'undefined'
  | 'backend'
  | 'loader-too-long'
  | 'closed'
  | 'inner-expired'
  | 'rule';

/**
 * Why a call ran without the cache.
 * - `disabled`: the cache is switched off
 * - `condition`: the `condition` of its decorator said so
 * - `scope-missing`: the scope it needs is missing, and `scope.onMissing` is `bypass`
 * - `backend`: the backend did not answer
 * - `waited-too-long`: another process loaded the key for longer than `maxWait`
 * - `too-many-flights`: `limits.maxFlights` loads were under way
 * - `not-shareable`: the loader's result belongs to one caller
 * - `inside-put`: a `@CachePut` looked, while its method ran, at the entry that it is about to replace
 * - `closed`: the cache is closed
 */
export type BypassReason =
  | 'disabled'
  | 'condition'
  | 'scope-missing'
  | 'backend'
  | 'waited-too-long'
  | 'too-many-flights'
  | 'not-shareable'
  | 'inside-put'
  | 'closed';

/**
 * Why stored bytes were not served.
 * - `malformed`: they are not what this library writes
 * - `checksum`: some of them have changed
 * - `unsealed`: they are neither encrypted nor signed, and `codec.encryption` demands it
 * - `forged`: they were not sealed with the key they name, for the key they stand under
 * - `too-large`: they, or what they would become, exceed every limit
 * - `unreadable`: they are as they were written, but no value can be made of them
 */
export type DamageReason = 'malformed' | 'checksum' | 'unsealed' | 'forged' | 'too-large' | 'unreadable';

/**
 * What a removal was asked by.
 * - `keys`: names of entries, those of a decorated method included
 * - `pattern`: a pattern of names
 * - `tags`: tags
 * - `clear`: a scope, a namespace in it, or all of them
 * - `purge`: all that a tenant or a user has
 */
export type RemovalCause = 'keys' | 'pattern' | 'tags' | 'clear' | 'purge';

/** What every removal tells. Which tenant's it was is not told. */
export interface RemovalFacts {
  readonly cause: RemovalCause;
  /** From the call until the backend had confirmed it and counted. */
  readonly durationMs: number;
  /** What its caller wrote down for it; undefined: nothing. */
  readonly reason?: string | undefined;
}

/** Something that happened. Observers get every event, in order, and nothing they do changes the call. */
export type CacheEvent =
  /** A read was answered by an entry. */
  | ({
      readonly type: 'hit';
      readonly verdict: Verdict;
      readonly level: Level;
      readonly durationMs: number;
    } & EventPlace)
  /** Nothing usable was there: the call loads, or goes without. */
  | ({ readonly type: 'miss'; readonly durationMs: number } & EventPlace)
  /** Nothing usable was there, and the call waited for a load that another had begun: no miss of its own. */
  | ({ readonly type: 'coalesced'; readonly durationMs: number } & EventPlace)
  /** A call ran without the cache. */
  | ({ readonly type: 'bypass'; readonly reason: BypassReason } & EventPlace)
  /** A loader has ended; `isBackground`: no caller waited for it. */
  | ({
      readonly type: 'load';
      readonly outcome: 'ok' | 'failed' | 'timed-out';
      readonly durationMs: number;
      readonly isBackground: boolean;
    } & EventPlace)
  /** A loaded value was stored, fresh for so many milliseconds. */
  | ({ readonly type: 'fill'; readonly ttlMs: number } & EventPlace)
  /** A loaded value was not stored. */
  | ({ readonly type: 'refused'; readonly reason: RefusalReason } & EventPlace)
  /** `set`, `setMany`, `increment` or `@CachePut` has stored a value. */
  | ({ readonly type: 'write' } & EventPlace)
  /** Entries were removed by name: how many were asked for, and how many were there. */
  | ({ readonly type: 'evict'; readonly requested: number; readonly removed: number } & RemovalFacts & EventPlace)
  /** So many tags, or other labels, were invalidated: how many entries that were is not known. */
  | ({ readonly type: 'invalidate'; readonly labels: number; readonly removed: undefined } & RemovalFacts & EventPlace)
  /** A scope, or a namespace in it, was cleared, or what matches a pattern was removed, as `cause` tells. */
  | ({ readonly type: 'clear'; readonly removed: number } & RemovalFacts & EventPlace)
  /** An entry was removed because a bound was reached. */
  | ({ readonly type: 'displaced' } & EventPlace)
  /** A stored value bore another identity than the key it was read under. It was not served. */
  | ({ readonly type: 'identity-mismatch' } & EventPlace)
  /** Stored bytes could not be trusted or read. They count as a miss. */
  | ({ readonly type: 'damaged'; readonly reason: DamageReason } & EventPlace)
  /** A loader read data scoped more narrowly than its own entry; the entry was not stored. */
  | ({ readonly type: 'scope-leak'; readonly innerNamespace: string } & EventPlace)
  /** The cache itself failed during this operation, whether or not its caller was told. */
  | ({ readonly type: 'error'; readonly operation: string; readonly error: Error } & EventPlace)
  /**
   * A backend does not answer, or answers again, by the same measure as the warnings in the log: however many calls fail in
   * between, it begins once and is over once. `why` is how it began, without addresses; `durationMs` how long it took, and
   * undefined while it goes on. Of several servers `server` says which; left out, it is all of them.
   */
  | {
      readonly type: 'outage';
      readonly backend: string;
      readonly server?: string | undefined;
      readonly state: 'begun' | 'over';
      readonly why: string;
      readonly durationMs: number | undefined;
    }
  /** Something that a developer should know; also written to Nest's `Logger`. */
  | { readonly type: 'warning'; readonly message: string }
  /** Of all tenants: everything, or a namespace. */
  | ({
      readonly type: 'everything-cleared';
      readonly removed: number;
      readonly namespace?: string | undefined;
    } & RemovalFacts);

/**
 * Receives events. Called synchronously and not waited for; keep it short. What it throws, or a promise that it returns
 * fails with, changes nothing for the call it hears about, and is told once as a warning that names the observer.
 *
 * The `keyDigest` of a hit is worked out when it is looked at, since it costs more than the hit: by its name, and by
 * `JSON.stringify`. A copy by `{ ...event }` is without it. Its `durationMs` is 0 where the entry was at hand.
 * @example
 * let hits = 0;
 * const observer: Observer = (event) => {
 *   if (event.type === 'hit') hits++;
 * };
 */
export type Observer = (event: CacheEvent) => void;

/**
 * How parts report. Building an event costs more than a hit, so for what happens all the time callers ask first:
 * `if (emit.isHeard) emit.event({...})`. Warnings and failures are always told.
 */
export interface Emit {
  readonly isHeard: boolean;
  event(event: CacheEvent): void;
}

/** The same for what serves: hits are by far the most of what is told, and are told a shorter way. */
export interface EmitHits extends Emit {
  hit(event: Extract<CacheEvent, { type: 'hit' }>): void;
}

/** Where an event of a space happened. */
export function placeOf(space: Space, keyDigest?: string): EventPlace {
  return { namespace: space.namespace, width: space.width, keyDigest };
}
