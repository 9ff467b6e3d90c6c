import assert from 'node:assert/strict';
import { memory, tiered } from 'nestjs-scoped-cache';
import { redis } from 'nestjs-scoped-cache/redis';
import { MAX_ENTRIES } from './contestants/index.mjs';
import { open } from './contestants/scoped-cache.mjs';
import { timeHits } from './harness/hits.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { race } from './harness/rounds.mjs';
import { ROWS, rowsOf } from './harness/shared-hits.mjs';
import { percent, times, whole } from './harness/table.mjs';

export const about = {
  title: 'Two levels',
  question:
    'What does a hit in memory cost when Redis stands behind it and others may change what it holds, and what does it cost to ask ' +
    'Redis whether a copy is still good? The first: one call after the other, as in P1 and P2, processor time, beside memory alone. The ' +
    'second: sixty-four callers at once, by the clock, every hit checked, beside reading the value from Redis each time.',
  packages: ['ioredis', '@nestjs/core'],
  needs: 'redis',
};

const NEAR = 'memory alone';
const TIERED = 'memory over Redis';
const CHECKED = 'every hit checked';
const FAR = 'Redis alone';
const LANES = 64;
const KEYS = 256;

const HITS = {
  'a number': {
    args: Array.from({ length: KEYS }, (_, at) => at + 1),
    answer: (id, tenant) => id * 10 + tenant.length,
  },
  'an object': {
    args: Array.from({ length: KEYS }, (_, at) => ({ country: ['de', 'fr', 'it', 'es'][at % 4], page: at, limit: 20 })),
    answer: ({ country, page }, tenant) => ({ id: page, name: `${country} of ${tenant}`, total: page * 20 }),
  },
};
HITS['an object, 3 tags'] = {
  ...HITS['an object'],
  tags: ({ country, page }) => ['cats', `country:${country}`, `page:${page}`],
};

function backendOf(name) {
  const url = process.env.BENCH_REDIS_URL;
  const l1 = memory({ maxEntries: MAX_ENTRIES, maxBytes: 2 ** 31 });
  if (name === NEAR) return l1;
  if (name === FAR) return redis({ url });
  return tiered({ l1, l2: redis({ url }), maxUnvalidated: name === CHECKED ? 0 : '5s' });
}

/** Contestants are called `<backend>|<question>`. */
export async function contestant(full) {
  const [name, question] = full.split('|');
  const hit = HITS[question];
  const prefix = `b${process.pid}`;
  const cache = await open({ backend: backendOf(name), prefix, usesTags: hit?.tags !== undefined });
  return hit === undefined ? checked(cache, question) : near(cache, hit);
}

function near(cache, { args, answer, tags }) {
  let loads = 0;
  const find = cache.memoize(
    async (arg) => {
      loads++;
      return answer(arg, 'acme');
    },
    { tags },
  );
  const mask = args.length - 1;
  return {
    prove: () =>
      cache.inRequest('acme', async () => {
        for (let pass = 0; pass < 2; pass++)
          for (const arg of args) assert.deepEqual(await find(arg), answer(arg, 'acme'));
        assert.equal(loads, args.length);
      }),
    time: (calls) => cache.inRequest('acme', () => timeHits(calls, (call) => find(args[call & mask]))),
  };
}

function checked(cache, size) {
  let loads = 0;
  const find = cache.memoize(async (id) => {
    loads++;
    return rowsOf(id, 'acme', ROWS[size]);
  }, {});
  return {
    prove: () =>
      cache.inRequest('acme', async () => {
        for (let pass = 0; pass < 2; pass++)
          for (let id = 0; id < LANES; id++) assert.deepEqual(await find(id), rowsOf(id, 'acme', ROWS[size]));
        assert.equal(loads, LANES);
      }),
    async time(calls) {
      let left = calls;
      const startedAt = process.hrtime.bigint();
      await cache.inRequest('acme', () =>
        Promise.all(
          Array.from({ length: LANES }, async (_, id) => {
            while (left-- > 0) assert.equal((await find(id)).length, ROWS[size]);
          }),
        ),
      );
      assert.equal(loads, LANES);
      return Number(process.hrtime.bigint() - startedAt);
    },
  };
}

export async function run(report) {
  await withRedis(async () => {
    const rows = [];
    for (const question of Object.keys(HITS)) {
      const [alone, two, before] = await race(import.meta.url, [`${NEAR}|${question}`, `${TIERED}|${question}`], {
        isOurs: (name) => name.startsWith(TIERED),
      });
      rows.push({ question, alone, two, before });
      report.target(`${question}: times memory alone`, two.ratio, { most: 1.15, unit: ' ×' });
    }
    report.table(
      'a hit in memory, ns of processor time per call',
      [
        ['', NEAR, TIERED, 'times', 'spread', ...(rows[0].before === undefined ? [] : ['before'])],
        ...rows.map(({ question, alone, two, before }) => [
          question,
          whole(alone.median),
          whole(two.median),
          times(two.ratio),
          percent(two.spread),
          ...(before === undefined ? [] : [whole(before.median)]),
        ]),
      ],
      rows,
    );
    const checks = [];
    for (const size of Object.keys(ROWS)) {
      const [far, check, before] = await race(import.meta.url, [`${FAR}|${size}`, `${CHECKED}|${size}`], {
        rounds: 15,
        roundMs: 60,
        isOurs: (name) => name.startsWith(CHECKED),
      });
      checks.push({ size, far, check, before });
    }
    report.table(
      'a hit that is checked, µs per call with 64 callers at once',
      [
        ['value', FAR, CHECKED, 'times', ...(checks[0].before === undefined ? [] : ['before'])],
        ...checks.map(({ size, far, check, before }) => [
          size,
          (far.median / 1000).toFixed(1),
          (check.median / 1000).toFixed(1),
          times(check.ratio),
          ...(before === undefined ? [] : [(before.median / 1000).toFixed(1)]),
        ]),
      ],
      checks,
    );
  });
}
