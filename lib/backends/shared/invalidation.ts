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
  | { readonly kind: 'everything' };
