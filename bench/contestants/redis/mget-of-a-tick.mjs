/** The floor with one MGET for all that is asked in one turn of the event loop. */
import { Redis } from 'ioredis';
import { TTL_MS } from '../index.mjs';
import { currentTenant, inRequest } from '../request.mjs';

export async function open({ url, prefix }) {
  const client = new Redis(url);
  let waiting = [];
  const flush = async () => {
    const batch = waiting;
    waiting = [];
    const found = await client.mget(batch.map(({ id }) => id));
    for (const [at, { resolve }] of batch.entries()) resolve(found[at]);
  };
  const get = (id) =>
    new Promise((resolve) => {
      if (waiting.push({ id, resolve }) === 1) process.nextTick(flush);
    });
  return {
    inRequest,
    memoize(load, { key }) {
      return async (arg) => {
        const id = `${prefix}:${currentTenant()}:${key(arg)}`;
        const known = await get(id);
        if (known !== null) return JSON.parse(known);
        const value = await load(arg);
        await client.set(id, JSON.stringify(value), 'PX', TTL_MS);
        return value;
      };
    },
    close: async () => client.disconnect(),
  };
}
