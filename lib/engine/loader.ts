import { clampDuration, looksLikeSeconds, type Duration } from '../core/duration.js';
import { NothingToRenewError } from '../core/errors.js';
import { gatherTags } from '../core/keys/label.js';
import type { Space } from '../core/keys/space.js';
import type { ScopeIds } from '../core/keys/scope.js';

/** What a loader is told and may say about the value it is loading. */
export interface LoaderContext<T = unknown> {
  /** Aborted when `hardTimeout` has passed. Pass it on to what you call. */
  readonly signal: AbortSignal;
  /** The scope of the key. For a tenant's entry it has no user, whichever user asked first. */
  readonly scope: ScopeIds;
  /** The value still kept from before (inside `staleIfError` or `staleWhileRevalidate`), if there is one. */
  readonly previous: T | undefined;
  /** The result is returned, but not stored. */
  skip(): void;
  /**
   * Adds tags that are only known now. Of more than an entry can carry by name (about 68 on a user's entry, 139 on others)
   * the rest is kept in coarse groups, whose entries are invalidated more often than their tags say, never less often.
   * @throws TagInvalidError for one that is empty, no text, or longer than 256 bytes
   */
  tag(...tags: string[]): void;
  /** Sets the ttl of this result. `null`: no expiry. A bare number is milliseconds; for seconds write '60s'. */
  ttl(ttl: Duration | null): void;
  /**
   * Return this to say that `previous` is still right: it is kept, with its tags, and its ttl starts anew.
   * @throws NothingToRenewError when there is no previous value.
   */
  notModified(): T;
}

/** Computes a value when the cache has none. Its errors reach the caller unchanged and are never stored. */
export type Loader<T> = (context: LoaderContext<T>) => T | PromiseLike<T>;

/** Stands for "keep the previous value" on its way from the loader to the load. Never leaves the engine. */
export const NOT_MODIFIED: unique symbol = Symbol('not modified');

/** The context of one load, and what its loader said. */
export class LoadContext implements LoaderContext<unknown> {
  isSkipped = false;
  /** More tags were said than are remembered. */
  hasMoreTags = false;
  /** The tags that the loader has said. Undefined: none. */
  said: Set<string> | undefined = undefined;
  /** undefined: nothing said. Infinity: no expiry. */
  ttlMs: number | undefined = undefined;
  /** The ttl that was said is a number, and probably meant as seconds. */
  isInSeconds = false;
  private controller: AbortController | undefined = undefined;
  private abortedWith: unknown = undefined;

  readonly scope: ScopeIds;
  private readonly namespace: string;

  /** The context of a load in this space. `read` gives the value kept from before, if there is one. */
  constructor(
    { scope, namespace }: Pick<Space, 'scope' | 'namespace'>,
    private readonly read?: () => unknown,
  ) {
    this.scope = scope;
    this.namespace = namespace;
  }

  /** Each look gives a copy: a loader that edits the previous value must not edit what others may still be served. */
  get previous(): unknown {
    return this.read?.();
  }

  /** Made when first asked for: most loaders never look at it. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortedWith !== undefined) this.controller.abort(this.abortedWith);
    }
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.abortedWith = reason;
    this.controller?.abort(reason);
  }

  // Functions that know their context, so that loaders may take them apart: ({ skip, tag }) => … Made when they are asked
  // for, since most loaders ask for none.
  get skip(): () => void {
    return () => {
      this.isSkipped = true;
    };
  }

  get tag(): (...tags: string[]) => void {
    return (...tags) => {
      // Checked here, so that the loader that said it gets the error.
      if (!gatherTags(tags, (this.said ??= new Set()))) this.hasMoreTags = true;
    };
  }

  get ttl(): (ttl: Duration | null) => void {
    return (ttl) => {
      this.ttlMs = ttl === null ? Infinity : clampDuration(ttl, 'ttl()');
      this.isInSeconds = looksLikeSeconds(ttl);
    };
  }

  get notModified(): () => unknown {
    return () => {
      if (this.read === undefined) throw new NothingToRenewError(this.namespace);
      return NOT_MODIFIED;
    };
  }
}
