import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import { STATE_FIELDS, stateOf, type LabelFields } from './documents.js';
import type { MongoShards } from './shards.js';
import { requiredStamp } from '../remote/shard-state.js';
import type { MongoConnection } from './connection/connection.js';
import { CoalescedReads } from './coalesced-reads.js';
import type { Proof } from '../shared/second-level.js';

interface ValidatorParts {
  readonly connection: MongoConnection;
  readonly shards: MongoShards;
  readonly fields: LabelFields;
}

/**
 * Whether entries still stand where they were read. Of each only its mark is fetched, with the state of its shard;
 * questions of one turn go together.
 */
export class MongoValidator {
  private readonly reads: CoalescedReads;

  constructor(private readonly parts: ValidatorParts) {
    this.reads = new CoalescedReads(parts, ['m', ...STATE_FIELDS]);
  }

  async stillStands(key: Key, labels: readonly Label[], { mark, generation, stamp }: Proof): Promise<boolean> {
    const { shards, fields } = this.parts;
    const shard = shards.of(key);
    const name = shard.entry(key.id);
    const { documents } = await this.reads.ask([name, shard.stateId], labels);
    const state = stateOf(documents.get(shard.stateId), labels, fields);
    if (documents.get(name)?.['m'] !== mark || state?.generation !== generation) return false;
    return stamp >= requiredStamp(state, labels);
  }
}
