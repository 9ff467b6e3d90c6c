import { setTimeout as sleep } from 'node:timers/promises';
import { REDIS_CONTESTANTS, REDIS_PACKAGES, openRedisContestant } from './contestants/redis/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { withRemotes } from './harness/remote.mjs';
import { quantile } from './harness/stats.mjs';
import { fixed, whole } from './harness/table.mjs';

export const about = {
  title: 'Redis is killed for five seconds',
  question:
    'A hundred calls a second to keys that nobody has cached, a loader of 5 ms; after two seconds Redis is killed, five seconds later it is started again, ' +
    'empty. How much longer than the loader do callers wait, how many wait at once, how many fail, and when is an answer stored again? ' +
    'All contestants at the same time, on the same server, as they are without further settings.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const EVERY_MS = 10;
const LOADER_MS = 5;
const BEFORE_MS = 2_000;
const AWAY_MS = 5_000;
const AFTER_MS = 12_000;
/** From when on the breaker must have opened: five failures in a row, and one deadline of 250 ms. */
const OPEN_AFTER_MS = 500;

export async function contestant(name) {
  const cache = await openRedisContestant(name);
  const calls = [];
  let isOver = false;
  let pending = 0;
  let mostPending = 0;
  let serial = 0;
  const find = cache.memoize(
    async (id) => {
      const startedAt = performance.now();
      await sleep(LOADER_MS);
      loaderMs.set(id, performance.now() - startedAt);
      return { id };
    },
    { key: String },
  );
  const loaderMs = new Map();
  const ask = async (id, notes) => {
    const beganAt = Date.now();
    const startedAt = performance.now();
    mostPending = Math.max(mostPending, ++pending);
    const answer = await cache
      .inRequest('acme', () => find(id))
      .then(
        (value) => value.id === id,
        () => false,
      );
    pending--;
    const call = { beganAt, isRight: answer, overMs: performance.now() - startedAt - (loaderMs.get(id) ?? 0) };
    call.isHit = answer && !loaderMs.delete(id);
    notes.push(call);
  };
  const probes = [];
  return {
    /** Calls at their times, whether or not earlier ones have been answered; every fifth asks twice for the same key. */
    async begin() {
      for (let id = 0; id < 50; id++) await ask(`warm ${id}`, []);
      mostPending = 0;
      const tick = setInterval(() => {
        if (isOver) return clearInterval(tick);
        const id = `cold ${serial++}`;
        const asked = ask(id, calls);
        // Whether anything is stored: the same question once more, right after its answer.
        if (serial % 10 === 0) void asked.then(() => ask(id, probes));
      }, EVERY_MS);
    },

    async end() {
      isOver = true;
      const pendingAtEnd = pending;
      for (let wait = 0; pending > 0 && wait < 100; wait++) await sleep(100);
      return { calls, probes, mostPending, pendingAtEnd };
    },
  };
}

export async function run(report) {
  const names = withBefore(Object.keys(REDIS_CONTESTANTS));
  const { killedAt, backAt, told } = await withRedis(async (server) =>
    withRemotes(import.meta.url, names, async (remotes) => {
      await Promise.all(remotes.map((remote) => remote.call('begin')));
      await sleep(BEFORE_MS);
      const killed = Date.now();
      await server.kill();
      await sleep(AWAY_MS);
      await server.start();
      const back = Date.now();
      await sleep(AFTER_MS);
      return { killedAt: killed, backAt: back, told: await Promise.all(remotes.map((remote) => remote.call('end'))) };
    }),
  );
  const rows = names.map((name, at) => {
    const { calls, probes, mostPending } = told[at];
    const within = (from, to) =>
      calls.filter(({ beganAt }) => beganAt >= from && beganAt < to).map(({ overMs }) => overMs);
    const stored = probes.find(({ beganAt, isHit }) => beganAt >= backAt && isHit);
    return {
      name,
      before: quantile(within(0, killedAt), 0.99),
      first: quantile(within(killedAt, killedAt + OPEN_AFTER_MS), 0.99),
      later: quantile(within(killedAt + OPEN_AFTER_MS, backAt), 0.99),
      laterMiddle: quantile(within(killedAt + OPEN_AFTER_MS, backAt), 0.5),
      mostPending,
      failed: calls.filter(({ isRight }) => !isRight).length,
      backMs: stored === undefined ? undefined : stored.beganAt - backAt,
    };
  });
  report.table(
    'milliseconds beyond the loader',
    [
      ['', 'p99 before', 'first 0.5 s: p99', 'then: p50', 'p99', 'waiting', 'failed', 'back after s'],
      ...rows.map((row) => [
        row.name,
        ...[row.before, row.first, row.laterMiddle, row.later].map((ms) => fixed(ms)),
        whole(row.mostPending),
        row.failed,
        row.backMs === undefined ? '–' : fixed(row.backMs / 1e3),
      ]),
    ],
    rows,
  );
  const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
  report.target('p99 before the circuit opens', ours.first, { most: 250, unit: ' ms' });
  report.target('p50 while it is open', ours.laterMiddle, { most: 1, unit: ' ms' });
  report.target('p99 while it is open', ours.later, { most: 1, unit: ' ms' });
  report.target('most waiting at once', ours.mostPending, { most: 30 });
  report.target('failed calls', ours.failed, { most: 0 });
  report.target('seconds until stored again', (ours.backMs ?? Infinity) / 1e3, { most: 2, unit: ' s' });
}
