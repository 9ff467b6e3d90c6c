import { REDIS_CONTESTANTS, REDIS_PACKAGES } from './contestants/redis/index.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { sharedHits } from './harness/shared-hits.mjs';
import { micros, raceTable } from './harness/table.mjs';

export const about = {
  title: 'A hit on Redis, one at a time',
  question:
    'How long does one caller wait for a hit of 200 bytes on Redis when nothing else is going on? Redis is on this machine, so what is ' +
    'compared is what the libraries add to a round trip. The floor is GET and JSON.parse.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

export function contestant(name) {
  return sharedHits(name, { size: '200 B', lanes: 1 });
}

export async function run(report) {
  const rows = await withRedis(() =>
    race(import.meta.url, Object.keys(REDIS_CONTESTANTS), { rounds: 31, roundMs: 60 }),
  );
  report.table('microseconds per call', raceTable(rows, 'GET + JSON.parse', { unit: 'µs', figure: micros }), rows);
  report.note(
    'One command asks for the entry and for what has been invalidated; a read that is alone in its turn shares it with no other. The rest is what p03 lists.',
  );
  const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
  report.target('times GET + JSON.parse', ours.ratio, { most: 1.15, unit: ' ×' });
}
