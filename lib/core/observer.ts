import type { Level } from './entry.js';
import type { Width } from './keys/scope.js';
import type { Space } from './keys/space.js';
import type { Verdict } from './verdict.js';

/** Where an event happened. Names of spaces and digests of keys; never a value, an argument or a raw key. */
export interface EventPlace {
  readonly namespace: string;
  readonly width: Width;
  /** Eight characters that tell keys apart in a log without giving them away. */
  readonly keyDigest?: string | undefined;
}

/** Why a loaded value was not stored. */
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

/** Why a call ran without the cache. */
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

/** Something that happened. Observers get every event, in order, and nothing they do changes the call. */
export type CacheEvent =
  | ({
      readonly type: 'hit';
      readonly verdict: Verdict;
      readonly level: Level;
      readonly durationMs: number;
    } & EventPlace)
  | ({ readonly type: 'miss'; readonly durationMs: number } & EventPlace)
  /** Nothing usable was there, and the call waited for a load that another had begun: no miss of its own. */
  | ({ readonly type: 'coalesced'; readonly durationMs: number } & EventPlace)
  | ({ readonly type: 'bypass'; readonly reason: BypassReason } & EventPlace)
  | ({
      readonly type: 'load';
      readonly outcome: 'ok' | 'failed' | 'timed-out';
      readonly durationMs: number;
      readonly isBackground: boolean;
    } & EventPlace)
  | ({ readonly type: 'fill'; readonly ttlMs: number } & EventPlace)
  | ({ readonly type: 'refused'; readonly reason: RefusalReason } & EventPlace)
  | ({ readonly type: 'write' } & EventPlace)
  | ({ readonly type: 'evict'; readonly requested: number; readonly removed: number } & EventPlace)
  | ({ readonly type: 'invalidate'; readonly labels: number } & EventPlace)
  | ({ readonly type: 'clear'; readonly removed: number } & EventPlace)
  | ({ readonly type: 'displaced' } & EventPlace)
  /** A stored value bore another identity than the key it was read under. It was not served. */
  | ({ readonly type: 'identity-mismatch' } & EventPlace)
  /** Stored bytes could not be trusted or read. They count as a miss. */
  | ({ readonly type: 'damaged'; readonly reason: DamageReason } & EventPlace)
  /** A loader read data scoped more narrowly than its own entry; the entry was not stored. */
  | ({ readonly type: 'scope-leak'; readonly innerNamespace: string } & EventPlace)
  | ({ readonly type: 'error'; readonly operation: string; readonly error: Error } & EventPlace)
  | { readonly type: 'warning'; readonly message: string }
  /** Of all tenants: everything, or a namespace. */
  | { readonly type: 'everything-cleared'; readonly removed: number; readonly namespace?: string | undefined };

/**
 * Receives events. Called synchronously and not waited for; keep it short. What it throws, or a promise that it returns
 * fails with, changes nothing for the call it hears about, and is told once as a warning that names the observer.
 *
 * The `keyDigest` of a hit is worked out when it is looked at, since it costs more than the hit: by its name, and by
 * `JSON.stringify`. A copy by `{ ...event }` is without it. Its `durationMs` is 0 where the entry was at hand.
 * @example
 * const observer: Observer = (event) => { if (event.type === 'hit') hits.inc({ namespace: event.namespace }); };
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

/** Where an event of a space happened. */
export function placeOf(space: Space, keyDigest?: string): EventPlace {
  return { namespace: space.namespace, width: space.width, keyDigest };
}
