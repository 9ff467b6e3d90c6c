import type { Generation, Stamp } from '../../core/stamp.js';
import type { Shard } from './shards.js';

interface HeardClock {
  readonly generation: Generation;
  readonly stamp: Stamp;
}

const MAX_SHARDS = 10_000;
const UNKNOWN: HeardClock = Object.freeze({ generation: '-', stamp: 0 });

/** The life and clock of shards as last heard, for writes to be sealed with. A guess: the server checks. */
export class ShardClocks {
  private readonly heard = new Map<Shard, HeardClock>();

  of(shard: Shard): HeardClock {
    return this.heard.get(shard) ?? UNKNOWN;
  }

  note(shard: Shard, generation: Generation, stamp: Stamp): void {
    if (this.heard.size >= MAX_SHARDS) this.heard.clear();
    this.heard.set(shard, { generation, stamp });
  }
}
