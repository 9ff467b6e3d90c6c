import assert from 'node:assert/strict';
import { openContestant } from './contestants/index.mjs';
import { open as openOneFlightMemo } from './contestants/one-flight-memo.mjs';
import { withBefore } from './harness/before.mjs';
import { occupied } from './harness/processor.mjs';
import { withRemotes } from './harness/remote.mjs';
import { summary } from './harness/stats.mjs';
import { percent, whole } from './harness/table.mjs';

export const about = {
  title: 'Bytes per tenant with one entry',
  question:
    'What does a tenant occupy that has one entry, a number? Every process new: heap and buffers after garbage collections with all ' +
    'of them there, minus what they were without the cache, divided by the tenants. Key, value and the name of the tenant are ' +
    'included. The floor is the memo that one writes by hand, one lru-cache for all of them: it cannot clear, count or list one tenant.',
  packages: ['lru-cache', 'bentocache', '@nestjs/core'],
};

const FLOOR = 'memo, single flight';
const OURS = 'nestjs-scoped-cache';
const NAMES = [FLOOR, OURS, 'bentocache'];
/** How many tenants, and what one of them may take. */
const SIZES = [
  [8_000, 1_900],
  [100_000, 1_400],
];
const ROUNDS = 3;

export async function contestant(name) {
  // A first cache, small, is there and filled before anything is measured: code and classes are no cost of a tenant.
  const small = await openRows(name, 1_000);
  await fill(small, 1_000);
  return {
    /** Bytes that a cache occupies with so many tenants. */
    async measure(tenants) {
      const before = await occupied();
      const rows = await openRows(name, tenants);
      await fill(rows, tenants);
      const bytes = (await occupied()) - before;
      for (let index = 0; index < tenants; index += 1_000)
        assert.equal(await rows.cache.inRequest(nameOf(index), () => rows.find(7)), 7 + index);
      assert.equal(rows.source.loads, tenants, 'every entry must still be there');
      return bytes;
    },
  };
}

async function openRows(name, maxEntries) {
  const cache = name === FLOOR ? openOneFlightMemo({ maxEntries }) : await openContestant(name, { maxEntries });
  const source = { loads: 0, tenant: 0 };
  const load = async (id) => {
    source.loads++;
    return id + source.tenant;
  };
  return { cache, source, find: cache.memoize(load, { key: String }) };
}

function nameOf(index) {
  return `tenant-${index}`;
}

async function fill({ cache, source, find }, tenants) {
  for (let index = 0; index < tenants; index++) {
    source.tenant = index;
    await cache.inRequest(nameOf(index), () => find(7));
  }
}

export async function run(report) {
  for (const [tenants, most] of SIZES) {
    const rows = [];
    for (const name of withBefore(NAMES)) {
      const bytes = [];
      for (let round = 0; round < ROUNDS; round++) {
        const measured = withRemotes(import.meta.url, [name], ([remote]) => remote.call('measure', tenants), [
          '--expose-gc',
        ]);
        bytes.push((await measured) / tenants);
      }
      rows.push({ name, ...summary(bytes) });
    }
    report.table(
      `bytes per tenant, ${whole(tenants)} tenants`,
      [['', 'bytes', 'spread'], ...rows.map(({ name, median, spread }) => [name, whole(median), percent(spread)])],
      rows,
    );
    const ours = rows.find(({ name }) => name === OURS);
    report.target(`bytes per tenant, ${whole(tenants)} tenants`, Math.round(ours.median), { most });
  }
}
