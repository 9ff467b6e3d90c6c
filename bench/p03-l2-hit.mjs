import { REDIS_CONTESTANTS, REDIS_PACKAGES } from './contestants/redis/index.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race, ratioOf } from './harness/rounds.mjs';
import { ROWS, sharedHits } from './harness/shared-hits.mjs';
import { fixed, percent, times } from './harness/table.mjs';

export const about = {
  title: 'A hit on Redis, 64 at once',
  question:
    'How many hits a second come from Redis when 64 calls are under way, each of another key of one tenant: answers of 200 bytes, 4 KB ' +
    'and 100 KB of JSON? Redis is on this machine, nothing is kept in memory. The floor is GET and JSON.parse, one command a call. ' +
    'Ours checks identity and stamp of every entry.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const LANES = 64;
const VARIANTS = [
  'GET + JSON.parse, auto-pipelining',
  'MGET of a tick',
  'script, one EVALSHA a read',
  'script, auto-pipelining',
  'nestjs-scoped-cache, not compressed',
  'nestjs-scoped-cache, deflate level 1',
];

export function contestant(name) {
  return sharedHits(name, { size: process.env.BENCH_SIZE, lanes: LANES });
}

export async function run(report) {
  const names = [...Object.keys(REDIS_CONTESTANTS), ...VARIANTS];
  const ratios = {};
  for (const size of Object.keys(ROWS)) {
    process.env.BENCH_SIZE = size;
    const settings = size === '100 KB' ? { rounds: 11, roundMs: 120 } : { rounds: 21, roundMs: 60 };
    const rows = await withRedis(() => race(import.meta.url, names, settings));
    report.table(
      `answers of ${size}`,
      [
        ['', 'thousand a second', 'spread', 'times GET + JSON.parse'],
        ...rows.map(({ name, median, spread, ratio }) => [
          name,
          fixed(1e6 / median),
          percent(spread),
          times(1 / ratio),
        ]),
      ],
      rows,
    );
    const row = (name) => rows.find((one) => one.name === name);
    const ours = row('nestjs-scoped-cache');
    ratios[size] = 1 / ours.ratio;
    if (size === '200 B') ratios.bentocache = ratioOf(row('bentocache'), ours);
  }
  report.note(
    'Where the time goes beside the round trip, which all calls of one turn of the event loop share: parsing the JSON (as the floor does), ' +
      'checking mark, checksum, identity and stamps of the entry, and the guard around the read (deadline, circuit, replay), which is promises. ' +
      'Inflating costs 5 µs ' +
      'and 1 µs more for each KB: a third of parsing at 4 KB, a sixth at 100 KB. On a line of 1 Gbit/s it saves more than that; on this machine there is no line.',
  );
  report.target('200 B: times GET + JSON.parse', ratios['200 B'], { least: 1.7, unit: ' ×' });
  report.target('4 KB', ratios['4 KB'], { least: 1.35, unit: ' ×' });
  report.target('100 KB', ratios['100 KB'], { least: 1.05, unit: ' ×' });
  report.target('200 B: times bentocache', ratios.bentocache, { least: 3, unit: ' ×' });
}
