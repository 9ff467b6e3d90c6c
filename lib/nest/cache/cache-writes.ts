import { clampDuration, looksLikeSeconds, secondsWarning, type Duration } from '../../core/duration.js';
import { CacheConfigError } from '../../core/errors.js';
import { isPending } from '../../core/async/awaitable.js';
import { eachInTurn } from '../../core/async/portions.js';
import { knownOptions } from '../../core/own-options.js';
import type { Policy } from '../../core/policy.js';
import { CacheReads } from './cache-reads.js';
import { own } from './cache-view.js';
import { listed, pair } from './listed.js';
import { quietly, removingOf } from './quietly.js';
import type { CacheKey, CallOptions, FailureOptions, IncrementOptions, RemovalOptions } from './scoped-cache.types.js';

/** The verbs that change entries by their names. They tell when they cannot be sure. */
export abstract class CacheWrites extends CacheReads {
  /**
   * Stores a value as of now, in place of what was there; loads under way for the key are not stored any more.
   * @param value anything a serializer keeps faithfully; `undefined` is refused: use `delete`
   *
   * With `failSilently: true` a cache that fails is not told: the value is not stored, and the old one is removed, now or
   * when the backend is back.
   * @throws UnserializableError, ValueTooLargeError, ScopeMissingError, BackendError (the old value may still be there)
   * @example await cache.set(['cat', cat.id], cat, { ttl: '5m', tags: ['cats'] });
   */
  async set<T>(key: CacheKey, value: T, options?: CallOptions<T>): Promise<void> {
    await this.store([[key, value]], options);
  }

  /**
   * The same for many entries, in one round trip per shard. Each entry is stored or not by itself.
   *
   * However many there are: a list of more than 1,000 is stored a portion of 1,000 after another, each with a deadline
   * of its own, and other calls get their turn in between. The first portion that fails ends it: what came before is
   * stored, what comes behind is not. Names, and values that are `undefined`, are looked at before any is stored.
   *
   * What `set` says of a backend that fails, and of `failSilently`, goes for each.
   * @throws CacheConfigError for what is no list, and what `set` throws
   * @example await cache.namespace('names').setMany([['1', 'Tom'], ['2', 'Mia']], { ttl: '5m' });
   */
  async setMany<T>(entries: Iterable<readonly [CacheKey, T]>, options?: CallOptions<T>): Promise<void> {
    await this.store(entries, options);
  }

  /**
   * Removes an entry; whether one was there.
   *
   * With `failSilently: true` a removal that the server does not confirm answers false; it stays queued.
   * @throws InvalidationUnknownError when it is not known whether the entry is gone
   * @example const wasThere = await cache.delete(['cat', id]);
   */
  async delete(key: CacheKey, options?: RemovalOptions): Promise<boolean> {
    return (await this.deleteMany([key], options)) === 1;
  }

  /**
   * Removes entries by name; how many were there. With `failSilently: true`, 0 for what the server does not confirm.
   *
   * However many there are: a list of more than 1,000 goes a portion of 1,000 after another, each with a deadline of
   * its own, and other calls get their turn in between. A name that is none is found before any is removed. When a
   * portion is not confirmed the call fails; it and all behind it are queued together, and removed before this process
   * reads anything of this tenant again. Where more than `maxRetries` names would have to be queued, the tenant is
   * cleared instead.
   * @throws CacheConfigError for what is no list; InvalidationUnknownError when it is not known whether all are gone;
   * some are
   * @example await cache.namespace('cats').deleteMany(['1', '2']);
   */
  async deleteMany(keys: Iterable<CacheKey>, options?: RemovalOptions): Promise<number> {
    if (this.isOff) return 0;
    const { isSilent, reason } = removingOf(options);
    const space = this.notedSpace();
    const made = eachInTurn(listed(keys, 'keys'), (key) => this.key(space, key));
    const named = isPending(made) ? await made : made;
    return quietly(isSilent, 0, () => this.parts.engine.writes.evict(named, reason));
  }

  /**
   * Gives a live entry another ttl, from now on; `null`: no expiry (a server keeps it for a year). False when there is
   * none.
   *
   * With `failSilently: true` also false when the backend fails; the ttl may be the old one then.
   * @throws CacheConfigError for a ttl that is none, BackendError
   * @example const isThere = await cache.expire(['cat', id], '10m');
   */
  async expire(key: CacheKey, ttl: Duration | null, options?: FailureOptions): Promise<boolean> {
    if (this.isOff) return false;
    const ttlMs = ttl === null ? Infinity : clampDuration(ttl, 'ttl', this.parts.settings.limits.maxTtlMs);
    if (looksLikeSeconds(ttl)) this.warn('ttl', secondsWarning(ttl));
    return this.parts.engine.writes.expire(this.key(this.notedSpace(), key), ttlMs, this.policyFor(options));
  }

  /**
   * Adds to a whole number, atomically, and returns the new value. A number that is not there starts at 0; its expiry
   * is set then and stays, which makes it fit for counting per window.
   *
   * With `failSilently: true` a backend that fails answers `by`, as if it were the first time: a limit that rests on it
   * lets every caller through then. The number may have been added to all the same.
   * So does a cache that is switched off.
   * It is an entry like any other: `clear()` of its whole scope, and of its namespace, starts it anew. Give counters a
   * namespace of their own, and limits that must survive a clear a cache with a name of their own.
   * @throws NotACounterError when the entry holds something else, BackendError
   * @example const calls = await cache.namespace('limits').user(userId).increment('calls', 1, { ttl: '1m' });
   */
  async increment(key: CacheKey, by = 1, options?: IncrementOptions): Promise<number> {
    if (this.isOff) return by;
    if (!Number.isSafeInteger(by)) throw new CacheConfigError('by', 'must be a whole number');
    const { ttl, tags, failSilently } = knownOptions(options, '', ['ttl', 'tags', 'failSilently']);
    const policy: Policy = this.policy({ ttl, failSilently });
    return this.parts.engine.writes.increment(this.key(this.space(), key, tags), by, policy);
  }

  /**
   * Takes off a whole number, atomically, and returns the new value, which may be below zero; `increment` the other
   * way, in all it says: a number that is not there starts at 0, and with `failSilently: true` a backend that fails
   * answers `-by`.
   * @throws NotACounterError when the entry holds something else, CacheConfigError for a `by` that is none,
   * BackendError
   * @example const left = await cache.namespace('seats').decrement('show-7');
   */
  async decrement(key: CacheKey, by = 1, options?: IncrementOptions): Promise<number> {
    return this.increment(key, -by, options);
  }

  /** How many are stored; none where a failure is hidden. */
  protected async store<T>(
    entries: Iterable<readonly [CacheKey, T]>,
    options: CallOptions<T> | undefined,
  ): Promise<number> {
    if (this.isOff) return 0;
    const policy = this.policy(options);
    const space = this.space();
    const tags = own(options, 'tags');
    const made = eachInTurn(listed(entries, 'entries'), (entry) => {
      const [key, value] = pair(entry);
      return [this.key(space, key, tags), defined(value), policy] as const;
    });
    return this.parts.engine.writes.setMany(isPending(made) ? await made : made);
  }
}

function defined(value: unknown): unknown {
  if (value === undefined)
    throw new CacheConfigError('value', 'is undefined, which means "nothing"; use delete(key), or store null');
  return value;
}
