import { REDIS_CONTESTANTS, REDIS_PACKAGES } from './contestants/redis/index.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { sharedHits } from './harness/shared-hits.mjs';
import { micros, raceTable } from './harness/table.mjs';

export const about = {
  title: 'A hit on Redis, one at a time',
  question:
    'How long does one caller wait for a hit on Redis when nothing else is going on, of 200 bytes and of 4 KB? Redis is on this machine, so ' +
    'what is compared is what the libraries add to a round trip. The floor is GET and JSON.parse.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

/** Asked of each size: times GET and JSON.parse. */
const SIZES = { '200 B': 1.4, '4 KB': 1.35 };

export function contestant(name) {
  return sharedHits(name, { size: process.env.BENCH_SIZE, lanes: 1 });
}

export async function run(report) {
  for (const [size, most] of Object.entries(SIZES)) {
    process.env.BENCH_SIZE = size;
    const rows = await withRedis(() =>
      race(import.meta.url, Object.keys(REDIS_CONTESTANTS), { rounds: 31, roundMs: 60 }),
    );
    const title = `${size}: microseconds per call`;
    report.table(title, raceTable(rows, 'GET + JSON.parse', { unit: 'µs', figure: micros }), rows);
    const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
    report.target(`${size}: times GET + JSON.parse`, ours.ratio, { most, unit: ' ×' });
  }
  report.note(
    'One command asks for the entry and for what has been invalidated; a read that is alone in its turn shares it with no other. The rest is what p03 lists.',
  );
}
