import type { mongo } from 'mongoose';
import type { KeyId } from '../../core/keys/key.js';
import type { View } from '../../core/keys/space.js';
import { Shards } from '../remote/shards.js';
import { AFTER_ALL, type Stored } from './documents.js';

/** The names of one shard's documents. */
export class MongoShard {
  readonly stateId: string;
  private readonly lead: string;

  constructor(
    readonly name: string,
    lead: string,
  ) {
    this.stateId = `${lead}m:${name}`;
    this.lead = `${lead}e:${name}:`;
  }

  entry(id: KeyId): string {
    return `${this.lead}${id}`;
  }

  /** The id in the name of one of its documents. */
  idOf(name: string): string {
    return name.slice(this.lead.length);
  }

  /**
   * Selects the documents of a view, after one of them. A view of a tenant also covers `u.tenant.…`, which sorts
   * elsewhere, so only the path of a user narrows the range.
   */
  within({ path, namespace }: View, after: string | undefined): mongo.Filter<Stored> {
    const from = path === undefined ? this.lead : `${this.lead}${path}/${namespace ?? ''}`;
    const range = { ...(after === undefined ? { $gte: from } : { $gt: after }), $lt: `${from}${AFTER_ALL}` };
    return namespace === undefined ? { _id: range } : { _id: range, n: namespace };
  }
}

export type MongoShards = Shards<MongoShard>;

/** @param count how many a partition has */
export function mongoShards(prefix: string, count: number): MongoShards {
  return new Shards(`${prefix}:1:`, count, (name, lead) => new MongoShard(name, lead));
}

/** The states of all shards of a cache. */
export function everyState(lead: string): mongo.Filter<Stored> {
  return { _id: { $gte: `${lead}m:`, $lt: `${lead}m:${AFTER_ALL}` } };
}

/** The shard of a state that was found. */
export function shardOfState(stateId: string, lead: string): MongoShard {
  return new MongoShard(stateId.slice(lead.length + 2), lead);
}
