import assert from 'node:assert/strict';
import { MAX_ENTRIES, openContestant } from './contestants/index.mjs';
import { open as openOneFlightMemo } from './contestants/one-flight-memo.mjs';
import { processorNs } from './harness/processor.mjs';
import { race } from './harness/rounds.mjs';
import { raceTable } from './harness/table.mjs';

export const about = {
  title: 'A cold load in memory',
  question:
    'What does a call cost when the answer is not there, beside the loader: it answers at once, a record of three fields? One call at a time, ' +
    'inside a request of a tenant, every call with an argument of its own, in a cache that is full. The floor is the memo that one ' +
    'writes by hand around lru-cache when callers of one moment are to share a load; it grants no lease, so that an invalidation ' +
    'meanwhile is undone, copies nothing, and knows no end of a load that hangs.',
  packages: ['lru-cache', 'bentocache', '@nestjs/core'],
};

const FLOOR = 'memo, single flight';
const DECORATED = 'nestjs-scoped-cache';
const BY_HAND = 'nestjs-scoped-cache, getOrSet by hand';
const NAMES = [FLOOR, DECORATED, BY_HAND, 'bentocache', 'bentocache, no serializing'];

export async function contestant(name) {
  const cache =
    name === FLOOR
      ? openOneFlightMemo({ maxEntries: MAX_ENTRIES })
      : await openContestant(name.replace(BY_HAND, DECORATED));
  let loads = 0;
  const load = async (id) => {
    loads++;
    return { id, name: `Cat ${id}`, age: id % 20 };
  };
  const find = name === BY_HAND ? cache.byHand(load) : cache.memoize(load, { key: String });
  let next = 1;
  return {
    async prove() {
      const cat = { id: 0, name: 'Cat 0', age: 0 };
      await cache.inRequest('acme', async () => {
        // Callers of one moment share a load.
        assert.deepEqual(await Promise.all([find(0), find(0), find(0)]), [cat, cat, cat]);
        assert.deepEqual(await find(0), cat);
      });
      assert.equal(loads, 1);
      await cache.inRequest('globex', async () => assert.deepEqual(await find(0), cat));
      assert.equal(loads, 2);
    },

    /** Nanoseconds of processor time for that many loads, one after the other. */
    async time(calls) {
      const loadsBefore = loads;
      const ns = await cache.inRequest('acme', () =>
        processorNs(async () => {
          for (let call = 0; call < calls; call++) await find(next++);
        }),
      );
      assert.equal(loads - loadsBefore, calls, 'every timed call must be a load');
      return ns;
    },
  };
}

export async function run(report) {
  const rows = await race(import.meta.url, NAMES);
  report.table('ns per load, median of the rounds', raceTable(rows, `the ${FLOOR}`), rows);
  const row = (name) => rows.find((one) => one.name === name);
  report.target('decorated, times the memo with single flight', row(DECORATED).ratio, { most: 4.5, unit: ' ×' });
  report.target('getOrSet by hand, times that memo', row(BY_HAND).ratio, { most: 5.5, unit: ' ×' });
}
