/** Invalidating a tag among many entries on MongoDB: node bench/mongo-tag.mjs */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Report } from './harness/report.mjs';
import { withRemotes } from './harness/remote.mjs';
import { median } from './harness/stats.mjs';
import { fixed, whole } from './harness/table.mjs';
import { CONTESTANTS, PACKAGES } from './mongo-contestants.mjs';
import { withMongo } from './mongo-server.mjs';

export const about = {
  title: 'Invalidating a tag on MongoDB',
  question:
    'A thousand entries carry a tag, and there are many more of the same tenant. How long until none of them is served?',
  packages: PACKAGES,
};

const SIZES = [10_000, 100_000, 500_000];
const TURNS = 25;
const BATCH = 1_000;

export async function contestant() {
  const cache = await CONTESTANTS['nestjs-scoped-cache'](process.env.BENCH_MONGO_URL);
  const entriesOf = (from, to, name) =>
    Array.from({ length: to - from }, (_, at) => [`${name} ${from + at}`, { n: at }]);
  return {
    fill: (from, to) => cache.as('acme', () => cache.fill(entriesOf(from, to, 'around'), ['other'])),
    async drop() {
      return cache.as('acme', async () => {
        await cache.fill(entriesOf(0, BATCH, 'tagged'), ['hot']);
        assert.ok((await cache.get('tagged 7')) !== undefined);
        const startedAt = process.hrtime.bigint();
        await cache.dropTag('hot');
        const ns = Number(process.hrtime.bigint() - startedAt);
        assert.equal(await cache.get('tagged 7'), undefined);
        return ns;
      });
    },
    close: () => cache.close(),
  };
}

export async function run(report) {
  const [kind, rows] = await withMongo((kind) =>
    withRemotes(import.meta.url, ['nestjs-scoped-cache'], async ([remote]) => {
      const found = [];
      let filled = 0;
      for (const size of SIZES) {
        for (; filled < size; filled += BATCH) await remote.call('fill', filled, filled + BATCH);
        // What is asked first would pay for the code that is compiled meanwhile, here and in the server.
        if (found.length === 0) for (let turn = 0; turn < TURNS; turn++) await remote.call('drop');
        const took = [];
        for (let turn = 0; turn < TURNS; turn++) took.push(await remote.call('drop'));
        found.push({ size, us: median(took) / 1_000 });
      }
      return [kind, found];
    }),
  );
  report.table(
    `until the tag is invalid, on ${kind}`,
    [['entries', 'µs'], ...rows.map(({ size, us }) => [whole(size), fixed(us)])],
    rows,
  );
  report.note(
    'mongo-java-server is what the tests of this repository start where there is no mongod, taught to find by _id what a mongod finds by it ' +
      '(test/servers/mongo): without that it looks through the whole collection for every condition beside a name.',
  );
  report.target('500,000 entries, of the time with 10,000', rows.at(-1).us / rows[0].us, { most: 1.5, unit: ' ×' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report('mongo-tag', about);
  await run(report);
  report.finish();
}
