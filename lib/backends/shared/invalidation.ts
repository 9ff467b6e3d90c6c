import type { Selection } from '../../core/backend.js';
import type { Key } from '../../core/key.js';
import type { Label } from '../../core/label.js';
import type { Partition, View } from '../../core/space.js';

/** An invalidation that can be said again: saying it twice does no more than saying it once. */
export type Invalidation =
  | { readonly kind: 'evict'; readonly keys: readonly Key[] }
  | { readonly kind: 'invalidate'; readonly partition: Partition; readonly labels: readonly Label[] }
  | { readonly kind: 'clear'; readonly view: View }
  | { readonly kind: 'matching'; readonly selection: Selection }
  | { readonly kind: 'everything' };
