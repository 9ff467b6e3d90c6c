import type { Selection } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';

/** An invalidation as a value that can be resent: applying it twice does no more than applying it once. */
export type Invalidation =
  | { readonly kind: 'evict'; readonly keys: readonly Key[] }
  | { readonly kind: 'invalidate'; readonly partition: Partition; readonly labels: readonly Label[] }
  | { readonly kind: 'clear'; readonly view: View }
  | { readonly kind: 'matching'; readonly selection: Selection }
  /** A namespace of all partitions. */
  | { readonly kind: 'namespace'; readonly view: View }
  | { readonly kind: 'everything' };

/** What clears all partitions: of a namespace, or of everything. */
export function acrossPartitions(view: View | undefined): Invalidation {
  return view === undefined ? { kind: 'everything' } : { kind: 'namespace', view };
}
