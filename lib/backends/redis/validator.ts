import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { Coalesced, type Asked } from '../remote/coalesced.js';
import { requiredStamp } from '../remote/shard-state.js';
import type { Proof } from '../shared/second-level.js';
import type { RedisPool } from './connection/pool.js';
import { stateOf } from './reader.js';
import type { RedisShards, Shard } from './shards.js';

interface Question {
  readonly key: Key;
  readonly labels: readonly Label[];
  readonly proof: Proof;
}

const MAX_BATCH = 256;

/**
 * Whether entries still stand where they were read. Of each only its mark is fetched, and once for all the state of the
 * shard; questions of one turn go together.
 */
export class RedisValidator {
  private readonly checks = new Coalesced<Shard, Question, boolean>(MAX_BATCH, (shard, asked) =>
    this.answer(shard, asked),
  );

  constructor(
    private readonly pool: RedisPool,
    private readonly shards: RedisShards,
  ) {}

  async stillStands(key: Key, labels: readonly Label[], proof: Proof): Promise<boolean> {
    return this.checks.ask(this.shards.of(key), { key, labels, proof });
  }

  private async answer(shard: Shard, asked: readonly Asked<Question, boolean>[]): Promise<void> {
    const labels = [...new Set(asked.flatMap(({ question }) => question.labels))];
    const [marks, fields] = await this.pool.pick().marksWithFields(
      asked.map(({ question }) => shard.entry(question.key.id)),
      shard.meta,
      ['i', 'f', ...labels],
    );
    const state = stateOf(fields, labels);
    for (const [at, { question, resolve }] of asked.entries()) {
      const { proof } = question;
      const isSame = marks[at] === proof.mark && state.generation === proof.generation;
      resolve(isSame && proof.stamp >= requiredStamp(state, question.labels));
    }
  }
}
