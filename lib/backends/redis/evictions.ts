import { afterThisTurn } from '../../core/clock.js';
import type { Key } from '../../core/keys/key.js';
import type { RedisPool } from './connection/pool.js';
import type { Shard } from './shards.js';

interface Call {
  readonly keys: readonly Key[];
  resolve(removed: number): void;
  reject(error: unknown): void;
}

/**
 * Evictions that one turn of the event loop asks for in one shard are one script: most of what a script costs is beside the
 * keys that it removes. Each call hears how many of its own were live. Whatever is sent later in the turn is sent behind
 * them (behind, on the same connection: on another it may be answered first): while some wait, the pool calls `send` before.
 */
export class TurnEvictions {
  private readonly waiting = new Map<Shard, Call[]>();
  private keys = 0;

  constructor(
    private readonly pool: Pick<RedisPool, 'beforeSending'>,
    /** Keys of one script. */
    private readonly most: number,
    /** Removes them, and says of each whether it was live. */
    private readonly remove: (shard: Shard, keys: readonly Key[]) => Promise<readonly boolean[]>,
  ) {}

  /** @param keys of this shard, no more than one script takes */
  evict(shard: Shard, keys: readonly Key[]): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.keys + keys.length > this.most) this.send();
      if (this.keys === 0) {
        this.pool.beforeSending = this.send;
        afterThisTurn(this.send);
      }
      this.keys += keys.length;
      const calls = this.waiting.get(shard);
      if (calls === undefined) this.waiting.set(shard, [{ keys, resolve, reject }]);
      else calls.push({ keys, resolve, reject });
    });
  }

  private readonly send = (): void => {
    if (this.keys === 0) return;
    this.pool.beforeSending = undefined;
    const all = [...this.waiting];
    this.waiting.clear();
    this.keys = 0;
    for (const [shard, calls] of all) this.sendOf(shard, calls);
  };

  private sendOf(shard: Shard, calls: readonly Call[]): void {
    this.remove(
      shard,
      calls.flatMap(({ keys }) => keys),
    ).then(
      (live) => {
        let at = 0;
        for (const { keys, resolve } of calls) resolve(live.slice(at, (at += keys.length)).filter(Boolean).length);
      },
      (error: unknown) => {
        for (const { reject } of calls) reject(error);
      },
    );
  }
}
