import type { Cluster, Redis } from 'ioredis';
import { BackendError } from '../../../core/errors.js';
import { masterNamed, namesOfMasters } from './cluster-nodes.js';

/** Keys looked at in one step, so that no step holds up a server for long. */
const STEP = 1_000;

/** @throws BackendError where none is known yet: nothing that was found would be all that there is */
function mastersOf(cluster: Cluster, only: string | undefined): readonly string[] {
  const names = only === undefined ? [...namesOfMasters(cluster)] : [only];
  if (names.length === 0) throw new BackendError('a call', 'redis', { why: 'not connected' });
  return names;
}

/**
 * Every key that matches, on every master or on one, without the prefix of the client. Some may come twice.
 * @throws BackendError where a master that keeps something is not connected to: what lies there is not known
 */
export async function* keysLike(
  pattern: string,
  client: Redis | Cluster,
  send: <T>(work: () => Promise<T>) => Promise<T>,
  master?: string,
): AsyncGenerator<string> {
  const { keyPrefix = '' } = client.options;
  const lead = keyPrefix.replace(/[*?[\]\\]/g, '\\$&');
  const names = client.isCluster ? mastersOf(client as Cluster, master) : [''];
  for (const name of names) {
    const node = client.isCluster ? masterNamed(client as Cluster, name) : (client as Redis);
    let cursor = '0';
    do {
      const [next, keys] = await send(() => node.scan(cursor, 'MATCH', `${lead}${pattern}`, 'COUNT', STEP));
      for (const key of keys) yield key.slice(keyPrefix.length);
      cursor = next;
    } while (cursor !== '0');
  }
}
