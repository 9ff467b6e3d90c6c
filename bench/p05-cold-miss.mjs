import assert from 'node:assert/strict';
import { REDIS_CONTESTANTS, REDIS_PACKAGES, openRedisContestant } from './contestants/redis/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { withRemotes } from './harness/remote.mjs';
import { rowsOf } from './harness/shared-hits.mjs';
import { withSlowLine } from './harness/slow-line.mjs';
import { fixed, percent, times } from './harness/table.mjs';

export const about = {
  title: 'A cold miss on Redis',
  question:
    'What does a call cost when the answer is not on Redis: looking, loading (at once, 200 bytes), storing? One call at a time, every ' +
    'call with a key of its own; and how often does a call wait for the network? The floor is GET, then SET, and grants no lease: ' +
    'fifty callers would load fifty times, and an invalidation meanwhile would be undone.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const ROWS = 2;
/** Round trips are counted on a line on which each takes so long. The floor is known to need two. */
const LINE_MS = 15;
const COUNTED = 12;
const TRIPS_OF_FLOOR = 2;

export async function contestant(name) {
  const cache = await openRedisContestant(name);
  let loads = 0;
  const find = cache.memoize(
    async (id) => {
      loads++;
      return rowsOf(id, 'acme', ROWS);
    },
    { key: String },
  );
  let next = 0;
  const miss = (calls) =>
    cache.inRequest('acme', async () => {
      for (let call = 0; call < calls; call++) assert.equal((await find(`${process.pid} ${next++}`)).length, ROWS);
    });
  return {
    async prove() {
      await cache.inRequest('acme', async () => {
        assert.deepEqual(await find('proof'), rowsOf('proof', 'acme', ROWS));
        assert.deepEqual(await find('proof'), rowsOf('proof', 'acme', ROWS));
      });
      assert.equal(loads, 1);
    },

    async time(calls) {
      const before = loads;
      const startedAt = process.hrtime.bigint();
      await miss(calls);
      const ns = Number(process.hrtime.bigint() - startedAt);
      assert.equal(loads - before, calls, 'every timed call must be a miss');
      return ns;
    },
  };
}

export async function run(report) {
  const names = Object.keys(REDIS_CONTESTANTS);
  const rows = await withRedis(async (server) => {
    const raced = await race(import.meta.url, names, { rounds: 31, roundMs: 60 });
    const trips = await roundTrips(server, withBefore(names));
    return raced.map((row, at) => ({ ...row, trips: trips[at] }));
  });
  report.table(
    'microseconds per miss',
    [
      ['', 'µs', 'spread', 'times GET + SET', 'round trips'],
      ...rows.map(({ name, median, spread, ratio, trips }) => [
        name,
        fixed(median / 1e3),
        percent(spread),
        times(ratio),
        fixed(trips),
      ]),
    ],
    rows,
  );
  report.note(
    'Ours looks, takes a lease and fills: a round trip more than the floor. The last two are scripts that write to several keys (25 to 30 µs of ' +
      'the server each, on this machine, where a SET takes 2): most of that are calls of Lua to Redis and back, some ten in each. A profile shows ' +
      'a third of the time waiting for the server, a fifth in writes to the socket, and the rest spread over sealing, leases, timers and promises. It is what one loader for all processes and an invalidation that is not undone cost, once for each load.',
  );
  const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
  report.target('round trips', Math.round(ours.trips), { most: 3 });
  report.target('times GET + SET', ours.ratio, { most: 1.3, unit: ' ×' });
}

/** How often a miss waits for the network: its quickest one, as a multiple of what the quickest of the floor waits. */
function roundTrips({ port }, names) {
  return withSlowLine(port, LINE_MS, async (url) => {
    process.env.BENCH_REDIS_URL = url;
    const quickest = await withRemotes(import.meta.url, names, async (remotes) => {
      const all = [];
      for (const remote of remotes) {
        const ns = [];
        for (let call = 0; call < COUNTED; call++) ns.push(await remote.call('time', 1));
        all.push(Math.min(...ns));
      }
      return all;
    });
    return quickest.map((ns) => (ns / quickest[0]) * TRIPS_OF_FLOOR);
  });
}
