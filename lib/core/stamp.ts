/**
 * Stamps order births against invalidations. A stamp is the logical clock of a partition, read when a lease is
 * granted and before its loader starts; every invalidation advances that clock. Stamps of one incarnation are
 * totally ordered; stamps of two incarnations say nothing about each other.
 */
export type Stamp = number;

/** Random name of one life of a partition's metadata. Lost metadata comes back under another name (invariant 4). */
export type Incarnation = string;

/**
 * What a backend knows about the labels of one entry at the moment of a read: the newest stamp among the floor of its
 * partition and all its labels. An entry born before the barrier has been invalidated.
 */
export interface Barrier {
  readonly incarnation: Incarnation;
  readonly stamp: Stamp;
}

/** True when nothing that covers the entry was invalidated since the stamp was taken (invariant 3). */
export function survives(
  birth: { readonly incarnation: Incarnation; readonly stamp: Stamp },
  barrier: Barrier,
): boolean {
  return birth.incarnation === barrier.incarnation && birth.stamp >= barrier.stamp;
}
