import type { Cluster, Redis } from 'ioredis';

/** Keys looked at in one step, so that no step holds up a server for long. */
const STEP = 1_000;

/** Every key that matches, on every master, without the prefix of the client. Some may come twice. */
export async function* keysLike(
  pattern: string,
  client: Redis | Cluster,
  send: <T>(work: () => Promise<T>) => Promise<T>,
): AsyncGenerator<string> {
  const { keyPrefix = '' } = client.options;
  const lead = keyPrefix.replace(/[*?[\]\\]/g, '\\$&');
  const nodes = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  for (const node of nodes) {
    let cursor = '0';
    do {
      const [next, keys] = await send(() => node.scan(cursor, 'MATCH', `${lead}${pattern}`, 'COUNT', STEP));
      for (const key of keys) yield key.slice(keyPrefix.length);
      cursor = next;
    } while (cursor !== '0');
  }
}
