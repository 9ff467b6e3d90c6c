/** Machines on one server, with clocks that disagree and states that get lost: the checker of test/history decides. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createConnection, type Connection } from 'mongoose';
import type { MongoOptions } from '../../lib/backends/mongo.options.js';
import { systemClock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { summary } from '../history/support/machines.js';
import { play, type Played } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { Rig } from '../support/machine/rig.js';
import { mongoFactory } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { skewed } from '../support/mongo/skewed.js';
import { TcpProxy, type ProxyMode } from '../support/proxy/tcp-proxy.js';
import { randomPrefix } from '../support/redis/redis-process.js';

const IS_SOAK = process.env['SOAK'] !== undefined;
const DURATION_MS = IS_SOAK ? 20_000 : 5_000;
const SKEW_MS = 150;
/** Fewer than these, and nothing being stale means little. */
const [MIN_READS, MIN_INVALIDATIONS] = IS_SOAK ? [4_000, 100] : [100, 3];
const FAULTS: readonly ProxyMode[] = ['blackhole', 'dropReplies', 'dropRequests', 'refuse'];

describeWithMongo('machines on MongoDB read nothing stale', () => {
  let server: MongoProcess;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => server.stop());

  const connect = async (): Promise<Connection> => {
    const connection = await createConnection(server.url).asPromise();
    ends.push(() => connection.close());
    return connection;
  };

  const [ahead, behind] = [SKEW_MS, -SKEW_MS];
  it.each([1, 2, 3])('whose clocks are apart, while states of shards get lost: seed %i', async (seed) => {
    const connections = [skewed(await connect(), ahead), skewed(await connect(), behind)];
    const prefix = randomPrefix();
    const losing = every(400, () =>
      withDb(server.url, async (db) => {
        const states = db.collection<{ _id: string }>(prefix);
        const [one] = await states.find({ _id: { $gte: `${prefix}:1:m:`, $lt: `${prefix}:1:m;` } }).toArray();
        if (one !== undefined) await states.deleteOne({ _id: one._id });
      }),
    );
    const played = await history(
      seed,
      prefix,
      connections.map((connection) => ({ connection, collection: prefix, shards: seed === 3 ? 3 : 1 })),
    );
    await losing.stop();
    expect(losing.times()).toBeGreaterThan(3);
    expectSound(played, seed);
  });

  it.each([1, 2, 3])('over a network that resets and loses: seed %i', async (seed) => {
    const proxies = await Promise.all([TcpProxy.before(server.port), TcpProxy.before(server.port)]);
    ends.push(() => Promise.all(proxies.map((proxy) => proxy.close())));
    const prefix = randomPrefix();
    const trouble = proxies.map((proxy, at) =>
      every(350 + 70 * at, async () => {
        proxy.reset();
        proxy.mode = FAULTS[Math.floor(Math.random() * FAULTS.length)] ?? 'pass';
        await new Promise((resolve) => setTimeout(resolve, 60));
        proxy.mode = 'pass';
      }),
    );
    const options = proxies.map(({ port }) => ({ uri: `mongodb://127.0.0.1:${port}/test`, collection: prefix }));
    const played = await history(seed, prefix, options);
    for (const each of trouble) await each.stop();
    expectSound(played, seed);
  });

  it('killed and started again empty, twice', async () => {
    const own = await MongoProcess.start();
    ends.push(() => own.stop());
    const prefix = randomPrefix();
    const killing = every(1_500, () => own.restartEmpty());
    const options = { uri: own.url, collection: prefix };
    const played = await history(7, prefix, [options, options]);
    await killing.stop();
    expect(killing.times()).toBeGreaterThan(1);
    expectSound(played, 7);
  });
});

async function history(seed: number, prefix: string, options: readonly MongoOptions[]): Promise<Played> {
  const rigs = options.map(
    (own) =>
      new Rig({
        backend: mongoFactory({ ...own, prefix, timeout: '400ms', pause: '50ms', failures: 20 }),
        clock: systemClock,
        isHeard: false,
        limits: { lease: '500ms' },
      }),
  );
  await Promise.all(rigs.map((rig) => rig.backend.open?.()));
  const played = await play({
    subjects: rigs.map((rig) => new RigSubject(rig)),
    seed,
    callers: 24,
    durationMs: DURATION_MS,
    isExpected: (error) => error instanceof CacheError,
  });
  await Promise.all(rigs.map((rig) => rig.machine.close()));
  return played;
}

function expectSound(played: Played, seed: number): void {
  expect(summary(played, seed)).toMatchObject({ seed, stale: 0, first: undefined });
  expect(played.history.reads.length).toBeGreaterThan(MIN_READS);
  expect(played.history.invalidations.length).toBeGreaterThan(MIN_INVALIDATIONS);
}

/** Work that is done again and again, one after the other, until it is stopped. */
function every(ms: number, work: () => Promise<unknown>): { stop(): Promise<void>; times(): number } {
  let isOver = false;
  let times = 0;
  const loop = (async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (isOver) return;
      await work();
      times++;
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await loop;
    },
    times: () => times,
  };
}
