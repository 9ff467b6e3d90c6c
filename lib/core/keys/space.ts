import type { Clock } from '../clock.js';
import type { Label } from './label.js';
import { NO_PARTITION, type Partition } from './partition.js';
import type { Scope, Width } from './scope.js';
import type { Counters } from './space-stats.js';

/** The cache that a space is of: two that have keys of the same text have nothing else in common. */
export interface Home {
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/**
 * Where keys live: a scope at a width, and a namespace in it. Made once for a scope and namespace and kept, so that a
 * hit only appends its arguments to `idPrefix` and bumps `stats`.
 */
export interface Space {
  readonly home: Home;
  /** The scope cut down to the width: what loaders of this space run in. */
  readonly scope: Scope;
  readonly width: Width;
  /** As the user wrote it. For logs, events and policies. */
  readonly namespace: string;
  readonly partition: Partition;
  /** Partition and user, the first word of the id. */
  readonly path: string;
  /** `path/namespace`: names the space; equal for equal spaces. */
  readonly name: string;
  /** `path/namespace@version/`, and the name of the method where the space is of one: every id of the space starts with it. */
  readonly idPrefix: string;
  /** That name where ids have digests: part of what is digested. Otherwise ''. */
  readonly hiddenLead: string;
  /** The labels that every entry of the space carries. */
  readonly labels: readonly Label[];
  readonly stats: Counters;
  /** What a store in this process remembers of it. Only that store believes it: see `GroupIndex`. */
  readonly remembered: { group: object | undefined };
}

/**
 * A part of a cache that can be cleared, listed and counted. A view of a tenant covers what its users have; a view of
 * a namespace covers every width in it.
 */
export interface View {
  readonly partition: Partition;
  /** Only entries of this path (a user). Undefined: the whole partition. */
  readonly path: string | undefined;
  /** Only entries of this namespace, as it stands in ids. Undefined: all. */
  readonly namespace: string | undefined;
  /** The label that invalidates the view; undefined when it is the whole partition, whose minimum stamp rises instead. */
  readonly label: Label | undefined;
}

/** Everything that a shard holds, whichever tenant it is of: of a view of all partitions, what it covers of each. */
export const WHOLE_SHARD: View = Object.freeze({
  partition: NO_PARTITION,
  path: undefined,
  namespace: undefined,
  label: undefined,
});
