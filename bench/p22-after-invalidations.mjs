import { REDIS_PACKAGES } from './contestants/redis/index.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { sharedHits } from './harness/shared-hits.mjs';
import { micros, raceTable, times } from './harness/table.mjs';

export const about = {
  title: 'A hit on Redis after something else was invalidated',
  question:
    'What does a hit of 200 bytes on Redis cost when its entry, which has a tag of its own, is older than the last invalidation of ' +
    'another tag, and what while another tag is invalidated every 10 ms: one call at a time, and 64 at once? The floor is GET and ' +
    'JSON.parse, which nothing is invalidated for.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const NAMES = ['GET + JSON.parse', 'nestjs-scoped-cache'];
const CASES = {
  'older than the last invalidation': 'once',
  'something is invalidated every 10 ms': 'steadily',
};

export function contestant(name) {
  const { BENCH_AFTER: after, BENCH_LANES: lanes } = process.env;
  return sharedHits(name, { size: '200 B', lanes: Number(lanes), after });
}

export async function run(report) {
  for (const [title, after] of Object.entries(CASES)) {
    for (const lanes of [1, 64]) {
      Object.assign(process.env, { BENCH_AFTER: after, BENCH_LANES: String(lanes) });
      const rows = await withRedis(() => race(import.meta.url, NAMES, { rounds: 21, roundMs: 100 }));
      report.table(
        `${title}, ${lanes} at once`,
        raceTable(rows, 'GET + JSON.parse', { unit: 'µs', figure: micros }),
        rows,
      );
      const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
      if (lanes === 1) report.target(`${title}: times GET + JSON.parse`, ours.ratio, { most: 1.7, unit: ' ×' });
      else report.note(`${title}, 64 at once: ${times(1 / ours.ratio)} its throughput.`);
    }
  }
}
