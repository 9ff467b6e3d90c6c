import type { KeyId } from './key.js';
import type { View } from './space.js';

/**
 * Whether an id lies in a view: the path is compared as a whole, the namespace in all its versions. The partition is not:
 * a walk looks at the ids of one.
 *
 * @experimental The contract of backends may change until 0.1.0.
 */
export function isInView({ path, namespace }: View, id: KeyId): boolean {
  // `path/namespace@version/parts`
  const [idPath, idNamespace = ''] = id.split('/', 2);
  return (
    (path === undefined || path === idPath) &&
    (namespace === undefined || namespace === (idNamespace.split('@', 1)[0] ?? ''))
  );
}
