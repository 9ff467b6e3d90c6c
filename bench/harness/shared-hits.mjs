/** What the benches of a hit on a server have in common: proven answers, then calls over a fixed number of lanes. */
import assert from 'node:assert/strict';
import { openRedisContestant } from '../contestants/redis/index.mjs';

/** Values of a size: what an application caches, a list of records. */
export const ROWS = { '200 B': 2, '4 KB': 33, '100 KB': 790 };

export function rowsOf(id, tenant, count) {
  return Array.from({ length: count }, (_, at) => ({
    id: at,
    name: `${tenant} ${id} number ${at}`,
    colour: ['grey', 'black', 'white'][at % 3],
    price: at * 1.25,
    owner: { id: at % 17, mail: `user${at}@example.com` },
    tags: [`a${at}`, 'b'],
  }));
}

/** A method of a contestant that loads so many rows of acme, and how often it has. */
export function countedRows(cache, count) {
  const source = { loads: 0 };
  const find = cache.memoize(
    async (id) => {
      source.loads++;
      return rowsOf(id, 'acme', count);
    },
    { key: String },
  );
  return { source, find };
}

/** How often another tag of the tenant is invalidated, where it is. */
const EVERY_MS = 10;

/**
 * @param size a key of ROWS
 * @param lanes how many calls are under way at once, each of another key
 * @param after what happens to other tags of the tenant, where the contestant has tags: they are invalidated 'once', when
 *   all entries are stored, or 'steadily', while they are read. Entries have a tag each then
 */
export async function sharedHits(name, { size, lanes, after }) {
  // The others wait as long as it takes. On a busy machine 64 answers may take longer than ours would wait by itself.
  const cache = await openRedisContestant(name, {
    timeout: size === '100 KB' ? '5s' : '1s',
    usesTags: after !== undefined,
  });
  const invalidate = () => cache.inRequest('acme', async () => cache.deleteTag?.('other'));
  const keys = Math.max(lanes, size === '100 KB' ? 64 : 256);
  const source = { tenant: 'acme', loads: 0 };
  const find = cache.memoize(
    async (id) => {
      source.loads++;
      return rowsOf(id, source.tenant, ROWS[size]);
    },
    { key: String, tags: (id) => [`tag ${id}`] },
  );
  return {
    /** Each tenant gets its own answers, each from one load. Returns the bytes of JSON in one. */
    async prove() {
      for (const tenant of ['globex', 'acme']) {
        source.tenant = tenant;
        await cache.inRequest(tenant, async () => {
          for (let pass = 0; pass < 2; pass++) {
            for (let id = 0; id < keys; id++) assert.deepEqual(await find(id), rowsOf(id, tenant, ROWS[size]));
          }
        });
      }
      assert.equal(source.loads, keys * 2, 'the second answer to each question must be a hit');
      if (after !== undefined) await invalidate();
      return JSON.stringify(rowsOf(1, 'acme', ROWS[size])).length;
    },

    /** Nanoseconds by the clock for that many hits of acme. */
    async time(calls) {
      const before = source.loads;
      let left = calls;
      const invalidating = after === 'steadily' ? setInterval(() => void invalidate(), EVERY_MS) : undefined;
      const startedAt = process.hrtime.bigint();
      await cache.inRequest('acme', () =>
        Promise.all(
          Array.from({ length: lanes }, async (_, lane) => {
            for (let id = lane; left > 0; id = (id + lanes) % keys) {
              left--;
              assert.equal((await find(id)).length, ROWS[size]);
            }
          }),
        ),
      );
      const ns = Number(process.hrtime.bigint() - startedAt);
      clearInterval(invalidating);
      assert.equal(source.loads, before, 'every timed call must be a hit');
      return ns;
    },

    /** Microseconds of this process for each of that many calls: what does not depend on the other core. */
    async cpu(calls) {
      const before = process.cpuUsage();
      await this.time(calls);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / calls;
    },

    close: () => cache.close(),
  };
}
