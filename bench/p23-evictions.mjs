import assert from 'node:assert/strict';
import { REDIS_CONTESTANTS, REDIS_PACKAGES, openRedisContestant } from './contestants/redis/index.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { countedRows } from './harness/shared-hits.mjs';
import { fixed, percent, times } from './harness/table.mjs';

export const about = {
  title: 'Evictions on Redis',
  question:
    'How many entries a second are removed from Redis by their names, one at a time and with 64 calls under way? Each call removes ' +
    'one entry that is there. The floor is UNLINK, which removes a key and does nothing else: a load under way stores what it read ' +
    'before, listings and counts do not hear of it.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const ROWS = 2;
const MANY = 64;
/** Stored at once before they are removed. */
const STORED_AT_ONCE = 50;

export async function contestant(name) {
  const atOnce = Number(process.env.BENCH_AT_ONCE);
  const cache = await openRedisContestant(name);
  const { source, find } = countedRows(cache, ROWS);
  let last = 0;
  const idOf = (at) => `${process.pid} ${at}`;
  const store = async (first, end) => {
    for (let at = first; at < end; at += STORED_AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(STORED_AT_ONCE, end - at) }, (_, some) => find(idOf(at + some))));
  };
  const removeAll = async (first, end) => {
    let next = first;
    const some = async () => {
      while (next < end) await cache.delete(idOf(next++));
    };
    await Promise.all(Array.from({ length: atOnce }, some));
  };
  return {
    async prove() {
      await cache.inRequest('acme', async () => {
        await find('proof');
        await find('proof');
        assert.equal(source.loads, 1);
        await cache.delete('proof');
        await find('proof');
        assert.equal(source.loads, 2, 'what was removed is loaded again');
      });
    },

    time: (calls) =>
      cache.inRequest('acme', async () => {
        const [first, end] = [last, (last += calls)];
        await store(first, end);
        const startedAt = process.hrtime.bigint();
        await removeAll(first, end);
        return Number(process.hrtime.bigint() - startedAt);
      }),
  };
}

export async function run(report) {
  for (const atOnce of [MANY, 1]) {
    process.env.BENCH_AT_ONCE = String(atOnce);
    const names = Object.keys(REDIS_CONTESTANTS);
    const rows = await withRedis(() => race(import.meta.url, names, { rounds: 31, roundMs: 30 }));
    report.table(
      `${atOnce} at once`,
      [
        ['', 'µs per eviction', 'spread', 'throughput, of UNLINK'],
        ...rows.map(({ name, median, spread, ratio }) => [
          name.replace('GET + JSON.parse', 'UNLINK'),
          fixed(median / 1e3),
          percent(spread),
          times(1 / ratio),
        ]),
      ],
      rows,
    );
    const ours = rows.find(({ name }) => name.startsWith('nestjs-scoped-cache'));
    if (atOnce === MANY) report.target('throughput, of UNLINK', 1 / ours.ratio, { least: 0.2, unit: ' ×' });
  }
}
