import { afterThisTurn } from '../../core/clock.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { RedisPool } from './connection/pool.js';
import { requiredStamp, viewOf } from './reader.js';
import type { Shard, ShardMap } from './shards.js';
import type { Proof } from '../shared/second-level.js';

interface Asked {
  readonly key: Key;
  readonly labels: readonly Label[];
  readonly proof: Proof;
  readonly resolve: (stands: boolean) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 256;

/**
 * Whether entries still stand where they were read. Of each only its mark is fetched, and once for all the state of the
 * shard; questions of one turn go together.
 */
export class RedisValidator {
  private readonly asked = new Map<Shard, Asked[]>();

  constructor(
    private readonly pool: RedisPool,
    private readonly shards: ShardMap,
  ) {}

  stillStands(key: Key, labels: readonly Label[], proof: Proof): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const shard = this.shards.of(key);
      const mine = { key, labels, proof, resolve, reject };
      const asked = this.asked.get(shard);
      if (asked !== undefined && asked.length < MAX_BATCH) {
        asked.push(mine);
        return;
      }
      const batch = [mine];
      this.asked.set(shard, batch);
      afterThisTurn(() => {
        if (this.asked.get(shard) === batch) this.asked.delete(shard);
        this.ask(shard, batch).catch((error: unknown) => {
          for (const { reject: fail } of batch) fail(error);
        });
      });
    });
  }

  private async ask(shard: Shard, batch: readonly Asked[]): Promise<void> {
    const labels = [...new Set(batch.flatMap((each) => each.labels))];
    const [marks, fields] = await this.pool.pick().marksWithFields(
      batch.map(({ key }) => shard.entry(key.id)),
      shard.meta,
      ['i', 'f', ...labels],
    );
    const view = viewOf(fields, labels);
    for (const [at, { proof, labels: own, resolve }] of batch.entries()) {
      const isSame = marks[at] === proof.mark && view.generation === proof.generation;
      resolve(isSame && proof.stamp >= requiredStamp(view, own));
    }
  }
}
