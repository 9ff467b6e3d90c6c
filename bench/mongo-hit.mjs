/** Hits, misses and evictions on MongoDB: node bench/mongo-hit.mjs (after npm run build, and npm run bench once for the peers). */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Report } from './harness/report.mjs';
import { race } from './harness/rounds.mjs';
import { fixed, percent, times } from './harness/table.mjs';
import { CONTESTANTS, PACKAGES } from './mongo-contestants.mjs';
import { withMongo } from './mongo-server.mjs';

export const about = {
  title: 'Hits, misses and evictions on MongoDB, 64 at once',
  question:
    'How many calls a second when 64 are under way, each of another key of one tenant, with answers of about 200 bytes? Nothing is kept in ' +
    'memory. The floor is one findOne by _id a hit; after a miss an updateOne; a deleteOne an eviction.',
  packages: PACKAGES,
};

const LANES = 64;
const KEYS = 512;
const VERBS = ['hit', 'miss', 'evict'];

export async function contestant(name) {
  const cache = await CONTESTANTS[name](process.env.BENCH_MONGO_URL);
  const verb = process.env.BENCH_VERB;
  let loads = 0;
  let fresh = 0;
  const valueOf = (key) => ({
    id: key,
    name: `number ${key}`,
    colour: 'grey',
    owner: { id: 17, mail: 'u@example.com' },
    tags: ['a', 'b'],
    n: 1.25,
  });
  const load = (key) =>
    cache.load(key, async () => {
      loads++;
      return valueOf(key);
    });
  const work = {
    hit: async (at) => assert.equal((await load(`k${at % KEYS}`)).id, `k${at % KEYS}`),
    miss: () => load(`new ${fresh++}`),
    evict: (at) => cache.evict(`k${at % KEYS}`),
  }[verb];
  return {
    async prove() {
      for (const tenant of ['globex', 'acme']) {
        await cache.as(tenant, async () => {
          for (let pass = 0; pass < 2; pass++) {
            for (let at = 0; at < KEYS; at++) assert.deepEqual(await load(`k${at}`), valueOf(`k${at}`));
          }
        });
      }
      assert.equal(loads, KEYS * 2, 'the second answer to each question must be a hit');
    },
    async time(calls) {
      const before = loads;
      let next = 0;
      const startedAt = process.hrtime.bigint();
      await cache.as('acme', () =>
        Promise.all(
          Array.from({ length: LANES }, async () => {
            while (next < calls) await work(next++);
          }),
        ),
      );
      const ns = Number(process.hrtime.bigint() - startedAt);
      assert.equal(loads - before, verb === 'miss' ? calls : 0, 'every timed call must be what it is meant to be');
      return ns;
    },
    close: () => cache.close(),
  };
}

export async function run(report) {
  const ratios = {};
  for (const verb of VERBS) {
    process.env.BENCH_VERB = verb;
    const [kind, rows] = await withMongo(async (server) => [
      server,
      await race(import.meta.url, Object.keys(CONTESTANTS), { rounds: 21, roundMs: 80 }),
    ]);
    report.table(
      `${verb}, on ${kind}`,
      [
        ['', 'thousand a second', 'spread', 'time of the floor'],
        ...rows.map(({ name, median, spread, ratio }) => [name, fixed(1e6 / median), percent(spread), times(ratio)]),
      ],
      rows,
    );
    ratios[verb] = rows.find(({ name }) => name === 'nestjs-scoped-cache').ratio;
  }
  report.note(
    'mongo-java-server is what the tests of this repository start where there is no mongod, taught to find by _id what a mongod finds by it ' +
      '(test/servers/mongo). It is a server in memory of another make: what a mongod costs is another figure, ratios included.',
  );
  report.target('a hit takes, of a findOne', ratios.hit, { most: 1.3, unit: ' ×' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report('mongo-hit', about);
  await run(report);
  report.finish();
}
