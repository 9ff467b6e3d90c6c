import assert from 'node:assert/strict';
import { hitContestant } from './harness/hits.mjs';
import { race, ratioOf } from './harness/rounds.mjs';
import { raceTable, times } from './harness/table.mjs';

const UNHEARD = 'nestjs-scoped-cache, nothing listens';
const COUNTED = 'nestjs-scoped-cache, an observer counts';
const DIGESTED = 'nestjs-scoped-cache, an observer looks at every field';

export const about = {
  title: 'A hit in memory while an observer listens',
  question:
    'What does a hit cost while an observer is told of it? One number as argument, one as answer. The floor is the same hit while ' +
    'nothing listens. One observer counts by type, namespace and level, as those that feed metrics do; another looks at every field, ' +
    'as those that write a log do.',
  packages: ['lru-cache', '@nestjs/core'],
};

const args = Array.from({ length: 256 }, (_, index) => index + 1);

export async function contestant(name) {
  const counts = new Map();
  const counting = ({ type, namespace, level }) => {
    if (type !== 'hit') return;
    const known = counts.get(namespace);
    if (known === undefined) counts.set(namespace, { [level]: 1 });
    else known[level]++;
  };
  let digests = 0;
  const looking = (event) => {
    if (event.type === 'hit' && event.keyDigest.length === 8 && event.durationMs >= 0) digests++;
  };
  const observers = name === COUNTED ? [counting] : name === DIGESTED ? [looking] : [];
  const hits = await hitContestant('nestjs-scoped-cache', {
    args,
    key: String,
    answer: (id, tenant) => id * 10 + tenant.length,
    options: { observers },
  });
  const heard = () => [...counts.values()].reduce((sum, { l1 }) => sum + l1, digests);
  return {
    prove: () => hits.prove(),
    async time(calls) {
      const before = heard();
      const ns = await hits.time(calls);
      assert.equal(heard() - before, name === UNHEARD ? 0 : calls, 'every hit is told');
      return ns;
    },
  };
}

export async function run(report) {
  const rows = await race(import.meta.url, [UNHEARD, COUNTED, DIGESTED]);
  report.table('ns per call, median of the rounds', raceTable(rows, 'the hit that is not told'), rows);
  const row = (name) => rows.find((one) => one.name === name);
  report.target('times a hit that is not told', row(COUNTED).ratio, { most: 1.15, unit: ' ×' });
  const before = row(`${COUNTED}, before`);
  if (before !== undefined)
    report.note(`Before: ${times(ratioOf(before, row(`${UNHEARD}, before`)))} the hit that is not told.`);
}
