import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import type { CacheEvent } from 'nestjs-scoped-cache';

/** Notes what the cache did for the request that is running, so that its answer can say so. */
@Injectable()
export class RequestTrace {
  private readonly requests = new AsyncLocalStorage<Set<string>>();

  /** Everything that `work` starts writes its notes into `notes`. */
  run<R>(notes: Set<string>, work: () => R): R {
    return this.requests.run(notes, work);
  }

  /** Told about everything that the cache does: an observer in the options of the CacheModule. */
  readonly observe = (event: CacheEvent): void => {
    const notes = this.requests.getStore();
    const note = noteOf(event);
    if (notes !== undefined && note !== undefined) notes.add(note);
  };
}

function noteOf(event: CacheEvent): string | undefined {
  switch (event.type) {
    case 'hit':
      return event.verdict === 'stale' ? 'stale' : 'hit';
    case 'miss':
      return 'miss';
    case 'evict':
    case 'invalidate':
    case 'clear':
      return 'invalidated';
    default:
      return undefined;
  }
}
