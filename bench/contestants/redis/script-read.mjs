/**
 * The least that a read by script would do: the entry and three fields of the meta hash, in one EVALSHA, and a value
 * that is parsed without being checked. A real one would also compare stamps and grant leases.
 */
import { Redis } from 'ioredis';
import { TTL_MS } from '../index.mjs';
import { currentTenant, inRequest } from '../request.mjs';

const READ = "return {redis.call('GET', KEYS[1]), redis.call('HMGET', KEYS[2], 'i', 'f', ARGV[1])}";

export async function open({ url, prefix, isAutoPipelining = false }) {
  const client = new Redis(url, { enableAutoPipelining: isAutoPipelining });
  const meta = `${prefix}:{bench}:m`;
  const sha = await client.script('LOAD', READ);
  await client.hset(meta, 'i', 'generation', 'f', '1700000000000000');
  return {
    inRequest,
    memoize(load, { key }) {
      return async (arg) => {
        const id = `${prefix}:{bench}:${currentTenant()}:${key(arg)}`;
        const [known] = await client.evalsha(sha, 2, id, meta, 'n:Service.find');
        if (known !== null) return JSON.parse(known);
        const value = await load(arg);
        await client.set(id, JSON.stringify(value), 'PX', TTL_MS);
        return value;
      };
    },
    close: async () => client.disconnect(),
  };
}
