import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { REDIS_CONTESTANTS, REDIS_PACKAGES, openRedisContestant } from './contestants/redis/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { withRemotes } from './harness/remote.mjs';
import { summary } from './harness/stats.mjs';
import { fixed, percent } from './harness/table.mjs';

export const about = {
  title: 'A storm on one cold key of Redis, in four processes and in one',
  question:
    'In each of four processes on one Redis 250 callers ask for the same result at once, and it is not there; and 1,000 in one process. How often does the loader run in all, ' +
    'and how long after it has answered (in 20 ms) has the last caller of the last process its answer? Fifteen storms, each on a new key.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const STORMINGS = [
  { processes: 4, callers: 250 },
  { processes: 1, callers: 1_000 },
];
const STORMS = 15;
const LOADER_MS = 20;

export async function contestant(name) {
  const cache = await openRedisContestant(name);
  let loads = 0;
  let lastLoadMs = 0;
  const find = cache.memoize(
    async (id) => {
      loads++;
      const startedAt = performance.now();
      await sleep(LOADER_MS);
      lastLoadMs = performance.now() - startedAt;
      return { id, name: `Cat ${id}` };
    },
    { key: String },
  );
  return {
    /** When the callers began and ended, on the clock that all processes share. */
    storm: (id, callers) =>
      cache.inRequest('acme', async () => {
        [loads, lastLoadMs] = [0, 0];
        const beganAt = performance.timeOrigin + performance.now();
        const answers = await Promise.all(Array.from({ length: callers }, () => find(id)));
        const endedAt = performance.timeOrigin + performance.now();
        for (const answer of answers) assert.deepEqual(answer, { id, name: `Cat ${id}` });
        return { loads, beganAt, endedAt, loadMs: lastLoadMs };
      }),
  };
}

export async function run(report) {
  for (const { processes, callers } of STORMINGS) {
    const rows = await withRedis(async () => {
      const found = [];
      for (const name of withBefore(Object.keys(REDIS_CONTESTANTS))) {
        const names = Array.from({ length: processes }, () => name);
        const storms = await withRemotes(import.meta.url, names, (remotes) => stormsOf(remotes, callers));
        found.push({ name, ...storms });
      }
      return found;
    });
    const what = `${processes} × ${callers} callers`;
    report.table(
      `${what}, a loader of ${LOADER_MS} ms`,
      [
        ['', 'most loader runs', 'ms over the loader', 'spread'],
        ...rows.map(({ name, loads, median, spread }) => [name, loads, fixed(median), percent(spread)]),
      ],
      rows,
    );
    const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
    report.target(`loader runs, ${what}`, ours.loads, { most: 1 });
    report.target(`ms over the loader, ${what}`, ours.median, { most: 8, unit: ' ms' });
  }
  report.note(
    'One caller of each process asks for the lease, and those who came with it use the answer. Who waits for the load of another process is told by ' +
      'nobody when it is done: one caller of each process asks again after short pauses; then each of the 250 reads, checks and copies its own value.' +
      ' A call that the server does not answer within 250 ms goes without the cache: on a busy machine more than one loads.',
  );
}

async function stormsOf(remotes, callers) {
  let loads = 0;
  const overMs = [];
  // The first storms warm up and do not count.
  for (let storm = -3; storm < STORMS; storm++) {
    const told = await Promise.all(remotes.map((remote) => remote.call('storm', `storm ${storm}`, callers)));
    if (storm < 0) continue;
    loads = Math.max(
      loads,
      told.reduce((sum, one) => sum + one.loads, 0),
    );
    const tookMs = Math.max(...told.map(({ endedAt }) => endedAt)) - Math.min(...told.map(({ beganAt }) => beganAt));
    overMs.push(tookMs - Math.max(...told.map(({ loadMs }) => loadMs)));
  }
  return { loads, ...summary(overMs) };
}
