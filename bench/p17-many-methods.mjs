import assert from 'node:assert/strict';
import { METHODS, openMethods } from './contestants/many-methods.mjs';
import { timeHits } from './harness/hits.mjs';
import { race, ratioOf } from './harness/rounds.mjs';
import { raceTable } from './harness/table.mjs';

const NAMES = ['hand memo', 'nestjs-scoped-cache', 'bentocache'];

export const about = {
  title: 'Hits of sixty methods on twenty classes',
  question:
    'What does a hit cost in an application that caches many methods? Sixty of them in turn, on twenty classes with a namespace each; ' +
    'of three methods one takes a number, one a text and one an object whose members are those of no other method; eight arguments ' +
    'for each; the answer is a number. By hand the key is the number of the method and its arguments, joined.',
  packages: ['lru-cache', 'bentocache', '@nestjs/core'],
};

const ARGS = 8;

/** Objects of one method look alike, and those of two methods never do. */
function argOf(at, index) {
  if (at % 3 === 0) return index + 1;
  if (at % 3 === 1) return `id-${index}`;
  const arg = { [`kind${at}`]: 'cat', page: index, limit: 20 };
  if (at % 2 === 0) arg[`owner${at}`] = `user-${index}`;
  return arg;
}

function indexOf(arg) {
  if (typeof arg === 'object') return arg.page;
  return typeof arg === 'number' ? arg - 1 : Number(arg.slice('id-'.length));
}

const args = Array.from({ length: METHODS }, (_, at) =>
  Array.from({ length: ARGS }, (_unused, index) => argOf(at, index)),
);
const answer = (at, index, tenant) => at * 1_000 + index * 10 + tenant.length;

export async function contestant(name) {
  const source = { tenant: 'acme', loads: 0 };
  const cache = await openMethods(name, async (at, arg) => {
    source.loads++;
    return answer(at, indexOf(arg), source.tenant);
  });
  const proveTenant = (tenant) => {
    source.tenant = tenant;
    return cache.inRequest(tenant, async () => {
      for (let pass = 0; pass < 2; pass++)
        for (let at = 0; at < METHODS; at++)
          for (let index = 0; index < ARGS; index++)
            assert.equal(await cache.find(at, args[at][index]), answer(at, index, tenant));
    });
  };
  return {
    async prove() {
      await proveTenant('globex');
      await proveTenant('acme');
      assert.equal(source.loads, METHODS * ARGS * 2, 'each answer from one load');
    },
    async time(calls) {
      const before = source.loads;
      const find = (call) => cache.find(call % METHODS, args[call % METHODS][(call >> 6) & (ARGS - 1)]);
      const ns = await cache.inRequest('acme', () => timeHits(calls, find));
      assert.equal(source.loads, before, 'every timed call must be a hit');
      return ns;
    },
  };
}

export async function run(report) {
  const rows = await race(import.meta.url, NAMES);
  report.table('ns per call, median of the rounds', raceTable(rows, 'the hand memo'), rows);
  const row = (name) => rows.find((one) => one.name === name);
  const ours = row('nestjs-scoped-cache');
  report.target('times the hand memo', ours.ratio, { most: 1.7, unit: ' ×' });
  report.target('faster than bentocache', ratioOf(row('bentocache'), ours), { least: 4.5, unit: ' ×' });
}
