import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createKeyv } from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import { CacheModule, CacheService } from 'nestjs-scoped-cache';
import { redis } from 'nestjs-scoped-cache/redis';
import { plainName, withBefore } from './harness/before.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { withRemotes } from './harness/remote.mjs';
import { median, summary } from './harness/stats.mjs';
import { fixed, percent, whole } from './harness/table.mjs';

export const about = {
  title: 'Invalidating a few of very many, on Redis',
  question:
    'A thousand entries carry a tag, are of a user, of a namespace, of a tenant. How long until none of them is served, and how long until the call ' +
    'has counted and removed them, with 10,000, 100,000 and a million further entries of the same tenant around them? And until nothing of ' +
    'those further entries is served? Peers with up to 100,000: what they have that comes nearest.',
  packages: ['ioredis', 'keyv', '@keyv/redis', 'bentocache', '@nestjs/core'],
  needs: 'redis',
};

const SIZES = [10_000, 100_000, 1_000_000];
const PEERS_UP_TO = 100_000;
const SOME = 1_000;
const TURNS = 9;
/** Entries of one write, and of one call of a remote. */
const BATCH = 500;
const LOAD_STEP = 25_000;
const TTL_MS = 3_600_000;

const OPEN = { 'nestjs-scoped-cache': openOurs, keyv: openKeyv, bentocache: openBentocache };

/** Each gives `fill(from, to)` for what is around, and by name: store(some), drop(), isServed(). */
async function openOurs(url) {
  class AppModule {}
  const options = { backend: redis({ url, timeout: '5s' }), scope: { default: 'tenant' }, defaults: { ttl: TTL_MS } };
  Module({ imports: [CacheModule.forRoot(options)] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const acme = app.get(CacheService).tenant('acme');
  const way = (view, drop, policy) => ({
    store: () => inBatches(SOME, (entries) => view.setMany(entries, policy)),
    drop,
    isServed: async () => (await view.get('7')) !== undefined,
  });
  const around = acme.namespace('around');
  const [tagged, few, matched] = ['tagged', 'few', 'matched'].map((name) => acme.namespace(name));
  const bob = acme.user('bob').namespace('mine');
  const other = app.get(CacheService).tenant('globex');
  return {
    fill: (from, to) => inBatches(to - from, (entries) => around.setMany(entries), from),
    'by tag': way(tagged, () => acme.invalidateTags(['hot']), { tags: ['hot'] }),
    'a user': way(bob, () => acme.user('bob').clear()),
    'a namespace': way(few, () => few.clear()),
    'another tenant': way(other.namespace('few'), () => other.clear()),
    'by pattern': way(matched, () => matched.invalidate('*')),
    'all around': {
      store: async () => undefined,
      drop: () => around.clear(),
      isServed: async () => (await around.get('7')) !== undefined,
    },
  };
}

async function openKeyv(url) {
  const [around, few] = ['around', 'few'].map((name) => createKeyv(url, { namespace: `keyv-${name}` }));
  return {
    fill: (from, to) =>
      inBatches(
        to - from,
        (entries) => Promise.all(Array.from(entries, ([key, value]) => around.set(key, value, TTL_MS))),
        from,
      ),
    'a namespace': {
      store: () =>
        inBatches(SOME, (entries) => Promise.all(Array.from(entries, ([key, value]) => few.set(key, value, TTL_MS)))),
      drop: () => few.clear(),
      isServed: async () => (await few.get('7')) !== undefined,
    },
  };
}

async function openBentocache(url) {
  const store = bentostore().useL2Layer(redisDriver({ connection: new Redis(url) }));
  const bento = new BentoCache({ default: 'redis', prefix: 'bento', ttl: TTL_MS, stores: { redis: store } });
  const [around, tagged, few] = ['around', 'tagged', 'few'].map((name) => bento.namespace(name));
  const set = (view, tags) => (entries) =>
    Promise.all(
      Array.from(entries, ([key, value]) => view.set({ key, value, ...(tags === undefined ? {} : { tags }) })),
    );
  const isServed = (view) => async () => (await view.get({ key: '7' })) !== undefined;
  return {
    fill: (from, to) => inBatches(to - from, set(around), from),
    'by tag': {
      store: () => inBatches(SOME, set(tagged, ['hot'])),
      drop: () => tagged.deleteByTag({ tags: ['hot'] }),
      isServed: isServed(tagged),
    },
    'a namespace': { store: () => inBatches(SOME, set(few)), drop: () => few.clear(), isServed: isServed(few) },
  };
}

async function inBatches(count, store, from = 0) {
  for (let at = from; at < from + count; at += BATCH) {
    const size = Math.min(BATCH, from + count - at);
    await store(new Map(Array.from({ length: size }, (_, index) => [String(at + index), { id: at + index }])));
  }
}

export async function contestant(name) {
  const cache = await OPEN[name](process.env.BENCH_REDIS_URL);
  return {
    fill: (from, to) => cache.fill(from, to),
    ways: () => Object.keys(cache).filter((way) => way !== 'fill'),
    /** Milliseconds until an entry that was there is not served, and until the call has settled. */
    async measure(way, turns) {
      const { store, drop, isServed } = cache[way];
      const times = { gone: [], settled: [] };
      for (let turn = 0; turn < turns; turn++) {
        // Some contestants compare milliseconds: what is stored within that of the last invalidation would not count.
        await sleep(5);
        await store();
        assert.ok(await isServed(), 'it must be served before');
        const startedAt = performance.now();
        let settledMs;
        const dropped = Promise.resolve(drop()).then(() => {
          settledMs = performance.now() - startedAt;
        });
        while (await isServed());
        times.gone.push(performance.now() - startedAt);
        await dropped;
        times.settled.push(settledMs);
        assert.ok(!(await isServed()), 'it must not be served afterwards');
      }
      return times;
    },
  };
}

export async function run(report) {
  const cells = [];
  for (const name of withBefore(Object.keys(OPEN))) {
    for (const size of SIZES.filter((each) => plainName(name) === 'nestjs-scoped-cache' || each <= PEERS_UP_TO)) {
      cells.push(...(await withRedis(() => ofOne(name, size))));
    }
  }
  const rows = cells.map(({ name, way, size, gone, settled }) => {
    const [first, last] = [summary(gone), summary(settled)];
    return { name, way, size, goneMs: first.median, settledMs: last.median, spread: first.spread };
  });
  report.table(
    `milliseconds, median of ${TURNS} ("all around" is done once)`,
    [
      ['', 'what', 'entries around', 'not served after', 'spread', 'removed after'],
      ...rows.map(({ name, way, size, goneMs, spread, settledMs }) => [
        name,
        way,
        whole(size),
        fixed(goneMs, 2),
        percent(spread),
        fixed(settledMs, 1),
      ]),
    ],
    rows,
  );
  report.note(
    'Ours is not served from the moment on in which one script has run. What it counts and removes afterwards it finds in the index of the tenant: ' +
      "a user's part of it lies together; for a namespace or a pattern of a tenant the whole index is walked, because users' entries lie elsewhere in it.",
  );
  const ours = rows.filter(({ name }) => name === 'nestjs-scoped-cache');
  const of = (way, size) => ours.find((row) => row.way === way && row.size === size).goneMs;
  for (const way of ['by tag', 'a user', 'a namespace', 'another tenant', 'all around']) {
    report.target(`${way}, at a million`, of(way, 1_000_000), { most: 1, unit: ' ms' });
  }
  for (const way of ['a user', 'a namespace', 'another tenant', 'by pattern']) {
    const settled = (size) => ours.find((row) => row.way === way && row.size === size).settledMs;
    report.target(`${way}, removed: a million to ten thousand`, settled(1_000_000) / settled(10_000), {
      most: 1.5,
      unit: ' ×',
    });
  }
  const flat = ['by tag', 'a user', 'a namespace', 'another tenant'].map((way) => of(way, 1_000_000) / of(way, 10_000));
  report.target('not served: a million to ten thousand, middle of the four', median(flat), { most: 1.5, unit: ' ×' });
}

function ofOne(name, size) {
  return withRemotes(import.meta.url, [name], async ([remote]) => {
    for (let from = 0; from < size; from += LOAD_STEP)
      await remote.call('fill', from, Math.min(size, from + LOAD_STEP));
    const cells = [];
    for (const way of await remote.call('ways')) {
      cells.push({ name, way, size, ...(await remote.call('measure', way, way === 'all around' ? 1 : TURNS)) });
    }
    return cells;
  });
}
