import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import type { CacheEvent } from 'nestjs-scoped-cache';
import { RequestTrace } from '../../../01-quick-start/src/trace/request-trace.js';

/** The notes of sample 01, with where an answer came from: memory of this process (L1), the server (L2), the loader. */
@Injectable()
export class LevelTrace extends RequestTrace {
  private readonly running = new AsyncLocalStorage<Set<string>>();

  override run<R>(notes: Set<string>, work: () => R): R {
    return this.running.run(notes, work);
  }

  override readonly observe = (event: CacheEvent): void => {
    const notes = this.running.getStore();
    const note = noteOf(event);
    if (note === undefined || notes === undefined) return;
    // A miss is how it began; whoever then loads says so. What is left a miss has waited for somebody else's load.
    if (note === LOADER) notes.delete(MISS);
    notes.add(note);
  };
}

const MISS = 'miss';
const LOADER = 'loader';

function noteOf(event: CacheEvent): string | undefined {
  switch (event.type) {
    case 'hit':
      return `${event.verdict === 'stale' ? 'stale' : 'hit'} ${event.level.toUpperCase()}`;
    case 'miss':
      return MISS;
    case 'load':
      return event.isBackground ? undefined : LOADER;
    case 'evict':
    case 'invalidate':
    case 'clear':
      return 'invalidated';
    default:
      return undefined;
  }
}
