import assert from 'node:assert/strict';
import { CONTESTANTS, PACKAGES, openContestant } from './contestants/index.mjs';
import { withBefore } from './harness/before.mjs';
import { occupied } from './harness/processor.mjs';
import { withRemotes } from './harness/remote.mjs';
import { summary } from './harness/stats.mjs';
import { percent, times, whole } from './harness/table.mjs';

export const about = {
  title: 'Bytes per entry in memory',
  question:
    'What does a small entry occupy? 200,000 results of three fields (a number, a short text, a number) of one tenant, ' +
    'every process new: heap and buffers after garbage collections with the cache full, minus what they were without the cache, divided ' +
    'by the entries. The key and the value itself are included. The floor is lru-cache with a ttl, its bound set to what is stored. ' +
    'With tags: one that all have, one that two hundred have.',
  packages: PACKAGES,
};

const ENTRIES = 200_000;
const ROUNDS = 3;
const TAGGED = ' + 2 tags';

export async function contestant(name) {
  // A first cache, small, is there and filled before anything is measured: code and classes are no cost of an entry.
  const { find: findSmall, cache: small } = await openCats(name, 1_000);
  await small.inRequest('acme', () => fill(findSmall, 1_000));
  return {
    /** Bytes that a cache occupies with all its entries. */
    async measure() {
      const before = await occupied();
      const { cache, find, source } = await openCats(name, ENTRIES);
      await cache.inRequest('acme', () => fill(find, ENTRIES));
      const bytes = (await occupied()) - before;
      await cache.inRequest('acme', async () => {
        for (let id = 0; id < ENTRIES; id += 1_000) assert.deepEqual(await find(id), catOf(id));
      });
      assert.equal(source.loads, ENTRIES, 'every entry must still be there');
      return bytes;
    },
  };
}

async function openCats(name, maxEntries) {
  const cache = await openContestant(name.replace(TAGGED, ''), { maxEntries, usesTags: name.endsWith(TAGGED) });
  const source = { loads: 0 };
  const load = async (id) => {
    source.loads++;
    return catOf(id);
  };
  const find = cache.memoize(load, { key: String, tags: (id) => ['cats', `litter:${id % 1_000}`] });
  return { cache, find, source };
}

function catOf(id) {
  return { id, name: `Cat ${id}`, age: id % 20 };
}

async function fill(find, entries) {
  for (let id = 0; id < entries; id++) await find(id);
}

export async function run(report) {
  const names = [
    ...Object.keys(CONTESTANTS),
    ...['nestjs-scoped-cache', 'cacheable', 'bentocache'].map((name) => name + TAGGED),
  ];
  const rows = [];
  for (const name of withBefore(names)) {
    const bytes = [];
    for (let round = 0; round < ROUNDS; round++) {
      bytes.push(await withRemotes(import.meta.url, [name], ([remote]) => remote.call('measure'), ['--expose-gc']));
    }
    rows.push({ name, ...summary(bytes.map((all) => all / ENTRIES)) });
  }
  const [floor] = rows;
  report.table(
    `bytes per entry, ${whole(ENTRIES)} entries`,
    [
      ['', 'bytes', 'spread', 'times lru-cache'],
      ...rows.map(({ name, median, spread }) => [name, whole(median), percent(spread), times(median / floor.median)]),
    ],
    rows,
  );
  const of = (name) => rows.find((row) => row.name === name).median / floor.median;
  report.target('times lru-cache with ttl', of('nestjs-scoped-cache'), { most: 1.25, unit: ' ×' });
  report.target('with 2 tags', of(`nestjs-scoped-cache${TAGGED}`), { most: 1.4, unit: ' ×' });
}
