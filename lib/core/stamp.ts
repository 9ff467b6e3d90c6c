/**
 * Stamps order entries against invalidations. A stamp is the logical clock of a partition, read when a lease is
 * granted and before its loader starts; every invalidation advances that clock. Stamps of one generation are
 * totally ordered; stamps of two generations say nothing about each other.
 */
export type Stamp = number;

/** Random name of one life of a partition's metadata. Lost metadata comes back under another name (invariant 4). */
export type Generation = string;

/**
 * What a backend knows about the labels of one entry at the moment of a read: the newest stamp among the minimum stamp of its
 * partition and all its labels. An entry with an older stamp has been invalidated.
 */
export interface RequiredStamp {
  readonly generation: Generation;
  readonly stamp: Stamp;
}

/** True when nothing that covers the entry was invalidated since the stamp was taken (invariant 3). */
export function survives(
  entry: { readonly generation: Generation; readonly stamp: Stamp },
  required: RequiredStamp,
): boolean {
  return entry.generation === required.generation && entry.stamp >= required.stamp;
}
