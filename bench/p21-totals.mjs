import assert from 'node:assert/strict';
import { openContestant } from './contestants/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRemotes } from './harness/remote.mjs';
import { median } from './harness/stats.mjs';
import { fixed, whole } from './harness/table.mjs';

export const about = {
  title: 'Figures and clears over very many tenants',
  question:
    'A hundred thousand tenants with one entry each in memory. How long do the figures of all, those of one tenant, and a clear of ' +
    'everything take, and for how long does the longest of their portions hold up whatever else the process has to do? No peer ' +
    'and no floor knows tenants.',
  packages: ['@nestjs/core'],
};

const TENANTS = 100_000;
const ROUNDS = 9;
const OURS = 'nestjs-scoped-cache';
const QUESTIONS = [
  ['totals()', 'totals'],
  ['stats() of one tenant', 'stats'],
  ['clearEverything()', 'clearEverything'],
];

export async function contestant(name) {
  const cache = await openContestant(name, { maxEntries: 2 * TENANTS });
  const find = cache.memoize(async (id) => id, { key: String });
  const fill = async () => {
    for (let index = 0; index < TENANTS; index++) await cache.inRequest(`tenant-${index}`, () => find(7));
  };
  await fill();
  return {
    async prove() {
      const { size, misses } = await cache.totals();
      assert.deepEqual([size, misses], [TENANTS, TENANTS]);
      assert.equal((await cache.stats('tenant-5')).size, 1);
    },

    /** Milliseconds in all, and of the longest turn of the event loop meanwhile. */
    async ask(question) {
      if (question === 'clearEverything' && (await cache.totals()).size !== TENANTS) await fill();
      globalThis.gc();
      const turns = watchTurns();
      const startedAt = performance.now();
      const answer = await cache[question]('tenant-5');
      const ms = performance.now() - startedAt;
      const longestMs = await turns.end();
      if (question === 'clearEverything') assert.equal(answer, TENANTS);
      return { ms, longestMs };
    },
  };
}

function watchTurns() {
  let longestMs = 0;
  let isOn = true;
  let lastAt = performance.now();
  const turn = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastAt);
    lastAt = now;
    if (isOn) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    async end() {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      isOn = false;
      return longestMs;
    },
  };
}

export async function run(report) {
  const rows = [];
  for (const name of withBefore([OURS])) {
    await withRemotes(
      import.meta.url,
      [name],
      async ([remote]) => {
        await remote.call('prove');
        for (const [title, question] of QUESTIONS) {
          const asked = [];
          for (let round = 0; round < ROUNDS; round++) asked.push(await remote.call('ask', question));
          rows.push({
            name,
            title,
            ms: median(asked.map(({ ms }) => ms)),
            longestMs: median(asked.map(({ longestMs }) => longestMs)),
            worstMs: Math.max(...asked.map(({ longestMs }) => longestMs)),
          });
        }
      },
      ['--expose-gc'],
    );
  }
  report.table(
    `milliseconds, ${whole(TENANTS)} tenants, ${ROUNDS} times each`,
    [
      ['', '', 'in all', 'longest turn', 'longest turn of all times'],
      ...rows.map(({ title, name, ms, longestMs, worstMs }) => [
        title,
        name,
        fixed(ms),
        fixed(longestMs),
        fixed(worstMs),
      ]),
    ],
    rows,
  );
  for (const { name, title, worstMs } of rows)
    if (name === OURS) report.target(`longest turn of ${title}, ms`, worstMs, { most: 10 });
}
