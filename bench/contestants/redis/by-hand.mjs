/** The floor: GET, JSON.parse, and SET with an expiry after a miss. Nothing is checked, nothing is shared by callers. */
import { Redis } from 'ioredis';
import { TTL_MS } from '../index.mjs';
import { currentTenant, inRequest } from '../request.mjs';

export async function open({ url, prefix, isAutoPipelining = false }) {
  const client = new Redis(url, { enableAutoPipelining: isAutoPipelining });
  client.on('error', () => undefined);
  let keyOf;
  return {
    inRequest,
    memoize(load, { key }) {
      keyOf = key;
      return async (arg) => {
        const id = `${prefix}:${currentTenant()}:${key(arg)}`;
        const known = await client.get(id);
        if (known !== null) return JSON.parse(known);
        const value = await load(arg);
        await client.set(id, JSON.stringify(value), 'PX', TTL_MS);
        return value;
      };
    },
    delete: (arg) => client.unlink(`${prefix}:${currentTenant()}:${keyOf(arg)}`),
    close: async () => client.disconnect(),
  };
}
