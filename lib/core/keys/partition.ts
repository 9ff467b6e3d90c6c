/** The one place where partitions are made: of a scope, of an id, of the name of a shard. */
declare const partitionBrand: unique symbol;

/** What one clock, one minimum stamp and one set of labels belong to: a tenant with its users, or the global part. */
export type Partition = string & { readonly [partitionBrand]: true };

/** The global part, which belongs to no tenant. */
export const GLOBAL_PARTITION = 'g' as Partition;

/** Of what is about all partitions: a view over whatever a shard holds, where the shard itself says whose entries these are. */
export const NO_PARTITION = '' as Partition;

/** @param tenant its name as it stands in ids */
export function tenantPartition(tenant: string): Partition {
  return `t.${tenant}` as Partition;
}

/** Of an id, or of a path, the first word of one: `g`, `t.<tenant>`, `u.<tenant>.<user>`. */
export function partitionOfId(id: string): Partition {
  const end = id.indexOf('/');
  const path = end === -1 ? id : id.slice(0, end);
  return (path.startsWith('u.') ? `t.${path.slice(2, path.indexOf('.', 2))}` : path) as Partition;
}

/** Of a shard, whose name is that of its partition, with `.<number>.<of how many>` where there are several. */
export function partitionOfShard(shard: string): Partition {
  return shard.replace(/\.\d+\.\d+$/, '') as Partition;
}
