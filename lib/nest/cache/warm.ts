import { machineClock } from '../../core/clock.js';
import { CacheConfigError } from '../../core/errors.js';
import { wholeNumber } from '../../core/limits.js';
import { knownOptions } from '../../core/own-options.js';
import { disown } from '../../core/async/thenable.js';
import type { Loader } from '../../engine/loader.js';
import type { CacheKey, CallOptions, WarmEntry, WarmOptions } from './scoped-cache.types.js';

/** Entries between two turns for others. */
const IN_A_TURN = 100;

type Entries = Iterator<WarmEntry> | AsyncIterator<WarmEntry>;

/** What warming needs of a cache. */
export interface Warmable {
  /** Both: whether an entry is there afterwards. */
  set(key: CacheKey, value: unknown, options: CallOptions | undefined): Promise<boolean>;
  load(key: CacheKey, loader: Loader<unknown>, options: CallOptions | undefined): Promise<boolean>;
  /** Nothing is stored ahead any more. */
  isClosing(): boolean;
}

/** Works through the entries, a bounded number at a time; how many are there afterwards. */
export async function warm(
  cache: Warmable,
  entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>,
  options?: WarmOptions,
): Promise<number> {
  const { concurrency, onProgress, failSilently } = knownOptions(options, 'warm', [
    'concurrency',
    'onProgress',
    'failSilently',
  ]);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new CacheConfigError('warm.onProgress', 'must be a function');
  const workers = wholeNumber(concurrency, 'concurrency', 10, 1, 1_000);
  const source = new Source(entries);
  let done = 0;
  let warmed = 0;
  const work = async (): Promise<void> => {
    for (let entry = await source.next(); entry !== undefined; entry = await source.next()) {
      if (cache.isClosing()) return source.leave();
      if (await warmOne(cache, entry, failSilently)) warmed++;
      await onProgress?.(++done);
      // A backend in this process answers at once, and nothing else would get its turn.
      if (done % IN_A_TURN === 0) await machineClock.breathe();
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: workers }, () => work().catch((error) => source.end(error))),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return warmed;
  // What the iterator tidies up at once is done by now; one that never ends does not keep the caller waiting.
  await machineClock.breathe();
  throw failed.reason;
}

/** Entries one after the other, whichever worker asks: not every iterator can be asked for the next before it gave the last. */
class Source {
  private readonly iterator: Entries;
  private turn: Promise<unknown> = Promise.resolve();
  private isOver = false;
  /** Let go at the end: the iterator may never answer. As many as there are workers. */
  private readonly asking = new Set<(end: undefined) => void>();

  constructor(entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>) {
    this.iterator = iteratorOf(entries);
  }

  /** Undefined at the end. */
  next(): Promise<WarmEntry | undefined> {
    const next = this.turn.then(() => this.step());
    this.turn = next.catch(() => undefined);
    return new Promise((resolve, reject) => {
      this.asking.add(resolve);
      next.then(resolve, reject).finally(() => this.asking.delete(resolve));
    });
  }

  /** No more of them are wanted: nothing more is handed out, and the iterator may tidy up once it has answered. */
  leave(): void {
    for (const letGo of this.asking) letGo(undefined);
    if (!this.isOver) disown(this.turn.then(() => this.iterator.return?.()));
    this.isOver = true;
  }

  /**
   * The same for a reason. What goes wrong while it tidies up is left unsaid: as in a loop, the first error counts.
   * @throws the reason
   */
  end(reason: unknown): never {
    this.leave();
    throw reason;
  }

  private async step(): Promise<WarmEntry | undefined> {
    if (this.isOver) return undefined;
    try {
      const step = await this.iterator.next();
      // Lists of promises are walked through as `for await` does.
      if (step.done !== true) return checked(await step.value);
    } catch (error) {
      this.isOver = true;
      throw error;
    }
    this.isOver = true;
    return undefined;
  }
}

/** @throws CacheConfigError for what cannot be walked through */
function iteratorOf(entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>): Entries {
  const given = Object(entries) as Partial<Iterable<WarmEntry> & AsyncIterable<WarmEntry>>;
  const begin = given[Symbol.asyncIterator] ?? given[Symbol.iterator];
  if (typeof begin === 'function') return (begin as () => Entries).call(entries);
  const problem = disown(entries) ? 'is a promise, which nothing waits for; await it first' : 'must be iterable';
  throw new CacheConfigError('entries', problem);
}

/** It would be taken for the end. */
function checked(entry: WarmEntry | undefined): WarmEntry {
  if (entry === undefined) throw new CacheConfigError('entries', 'has an entry that is undefined');
  return entry;
}

async function warmOne(cache: Warmable, entry: WarmEntry, failSilently: boolean | undefined): Promise<boolean> {
  const { key, value, load, options } = knownOptions(entry, 'entries', [
    'key',
    'value',
    'load',
    'options',
  ]) as WarmEntry;
  const said = failSilently === undefined ? options : { failSilently, ...options };
  return load === undefined ? cache.set(key, value, said) : cache.load(key, load, said);
}
