import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { REDIS_CONTESTANTS, REDIS_PACKAGES, openRedisContestant } from './contestants/redis/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { withRemotes } from './harness/remote.mjs';
import { countedRows, rowsOf } from './harness/shared-hits.mjs';
import { withSlowLine } from './harness/slow-line.mjs';
import { fixed, percent, times } from './harness/table.mjs';

export const about = {
  title: 'A cold miss on Redis',
  question:
    'What does a call cost when the answer is not on Redis: looking, loading (at once, 200 bytes), storing? One call at a time, every ' +
    'call with a key of its own, timed until its caller has the answer; and how often does a call wait for the network? Among hits: two ' +
    'calls that hit follow each. Misses only: nothing but misses, a millisecond apart. The floor is GET, then SET, and grants no ' +
    'lease: fifty callers would load fifty times, and an invalidation meanwhile would be undone.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const ROWS = 2;
/** Round trips are counted on a line on which each takes so long. The floor is known to need two. */
const LINE_MS = 15;
const COUNTED = 24;
const TRIPS_OF_FLOOR = 2;
const OURS = 'nestjs-scoped-cache';
const EARLY = `${OURS}, answerEarly`;
/** Time for what is still under way when a caller has its answer. */
const BETWEEN_MS = 1;

export async function contestant(name) {
  const isAmongHits = process.env.BENCH_AMONG === 'hits';
  const cache = await openRedisContestant(name);
  const { source, find } = countedRows(cache, ROWS);
  let next = 0;
  const miss = async () => {
    const id = `${process.pid} ${next++}`;
    const startedAt = process.hrtime.bigint();
    const rows = await find(id);
    const ns = Number(process.hrtime.bigint() - startedAt);
    assert.equal(rows.length, ROWS);
    if (!isAmongHits) await sleep(BETWEEN_MS);
    else for (let hit = 0; hit < 2; hit++) assert.equal((await find(id)).length, ROWS);
    return ns;
  };
  return {
    async prove() {
      await cache.inRequest('acme', async () => {
        assert.deepEqual(await find('proof'), rowsOf('proof', 'acme', ROWS));
        assert.deepEqual(await find('proof'), rowsOf('proof', 'acme', ROWS));
      });
      assert.equal(source.loads, 1);
    },

    time: (calls) =>
      cache.inRequest('acme', async () => {
        const before = source.loads;
        let ns = 0;
        for (let call = 0; call < calls; call++) ns += await miss();
        assert.equal(source.loads - before, calls, 'every timed call must be a miss, and no other');
        return ns;
      }),
  };
}

export async function run(report) {
  const names = Object.keys(REDIS_CONTESTANTS).flatMap((name) => (name === OURS ? [name, EARLY] : [name]));
  const isOurs = (name) => name === OURS;
  for (const among of ['hits', 'misses']) {
    process.env.BENCH_AMONG = among;
    const rows = await withRedis(async (server) => {
      const raced = await race(import.meta.url, names, { rounds: 31, roundMs: 15, isOurs });
      const trips = await roundTrips(server, withBefore(names, isOurs));
      return raced.map((row, at) => ({ ...row, trips: trips[at] }));
    });
    tell(report, among === 'hits' ? 'among hits' : 'misses only', rows);
  }
  report.note(
    'Ours looks, takes a lease and fills; where most reads miss, asking for the lease is the look. Leases and fills are scripts that write ' +
      'to several keys. With answerEarly the caller has its value while it is on its way to the server. It is what one loader for all ' +
      'processes and an invalidation that is not undone cost, once for each load.',
  );
}

function tell(report, where, rows) {
  report.table(
    `microseconds per miss, ${where}`,
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
  const of = (wanted) => rows.find(({ name }) => name === wanted);
  report.target(`round trips, ${where}`, Math.round(of(OURS).trips), { most: where === 'among hits' ? 3 : 2 });
  report.target(`times GET + SET, ${where}, answerEarly`, of(EARLY).ratio, {
    most: where === 'among hits' ? 3.3 : 2.4,
    unit: ' ×',
  });
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
