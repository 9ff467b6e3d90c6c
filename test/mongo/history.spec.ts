/**
 * Machines on one server, with one level and with two, behind networks that fail, with clocks that disagree, while states
 * of shards get lost: the checker of test/history decides. With two levels a read may be stale for as long as a copy is
 * believed without a check, and the moment that a question is under way (guarantee G4).
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createConnection, type Connection } from 'mongoose';
import type { MongoOptions } from '../../lib/backends/mongo/options.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { History, worstOf } from '../history/support/history.js';
import { play, type Played } from '../history/support/play.js';
import { RigSubject, type Subject } from '../history/support/subject.js';
import { ProcessSubject } from '../support/bus/process.subject.js';
import { TieredProcess } from '../support/bus/tiered-process.js';
import { Rig } from '../support/machine/rig.js';
import { LEVELS, X_MS, type Levels } from '../support/mongo/levels.js';
import { mongoFactory } from '../support/mongo/mongo-machine.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { skewed } from '../support/mongo/skewed.js';
import { TcpProxy, type ProxyMode } from '../support/proxy/tcp-proxy.js';
import { pause, randomPrefix } from '../support/redis/redis-process.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(120_000);

const IS_SOAK = soaking(true, false);
const [DURATION_MS, SEEDS] = soaking([20_000, [1, 2, 3]], [1_000, [1]]);
/** How often each trouble has to have come, and how long after the one before: often enough within that time. */
const [TIMES, SLOWER] = soaking([3, 1], [2, 0.4]);
const SKEW_MS = 150;
/** Fewer than these, and nothing being stale means little. */
const ENOUGH = IS_SOAK ? { reads: 500, invalidations: 10 } : { reads: 100, invalidations: 3 };
const LOSSES: readonly ProxyMode[] = ['dropReplies', 'dropRequests', 'refuse'];

/** Does something bad to a network for a moment, and undoes it. */
type Strike = (proxy: TcpProxy) => Promise<void>;

const passing = async (proxy: TcpProxy, mode: ProxyMode, forMs: number): Promise<void> => {
  proxy.mode = mode;
  await pause(forMs);
  proxy.mode = 'pass';
};

const NETWORKS: [string, Strike][] = [
  ['over a sound network', async () => undefined],
  [
    'over a network that resets and loses',
    async (proxy) => {
      proxy.reset();
      await passing(proxy, LOSSES[Math.floor(Math.random() * LOSSES.length)] ?? 'refuse', 60);
    },
  ],
  [
    'over a network that swallows everything for a while',
    async (proxy) => {
      await passing(proxy, 'blackhole', 250);
      proxy.reset();
    },
  ],
  [
    'over a slow network',
    async (proxy) => {
      proxy.delayMs = 30;
      proxy.jitterMs = 30;
    },
  ],
];

describeWithMongo('no read is stale', () => {
  let server: MongoProcess;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => server.stop());

  /** A connection through a network of its own, to a server whose clock it takes for another. */
  const behind = async (proxy: TcpProxy, byMs: number): Promise<Connection> => {
    const options = {
      serverSelectionTimeoutMS: 500,
      waitQueueTimeoutMS: 400,
      // Closing the connection would wait for a probe that is lost, for half a minute.
      connectTimeoutMS: 1_000,
      socketTimeoutMS: 2_000,
      maxPoolSize: 10,
    };
    // A busy machine may take longer over the first look at the server than calls may later on.
    for (let left = 20; ; left--) {
      const connection = createConnection();
      ends.push(() => connection.close(true));
      try {
        await connection.openUri(`mongodb://127.0.0.1:${proxy.port}/test`, options);
        return skewed(connection, byMs);
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  };

  /** Takes away the state of some tenant, now and then. */
  const losing = (prefix: string): Loop =>
    every(400 * SLOWER, () =>
      withDb(server.url, async (db) => {
        const states = db.collection<{ _id: string }>(prefix);
        const [one] = await states.find({ _id: { $gte: `${prefix}:1:m:`, $lt: `${prefix}:1:m;` } }).toArray();
        if (one !== undefined) await states.deleteOne({ _id: one._id });
      }),
    );

  describe.each(LEVELS)('%s', (_levels, levels) => {
    it.each(NETWORKS.flatMap(([name, strike]) => SEEDS.map((seed) => [name, seed, strike] as const)))(
      '%s, with clocks apart, while states of shards get lost (seed %i)',
      async (_network, seed, strike) => {
        const proxies = await Promise.all([TcpProxy.before(server.port), TcpProxy.before(server.port)]);
        ends.push(() => Promise.all(proxies.map((proxy) => proxy.close())));
        const prefix = randomPrefix();
        const shared = { collection: prefix, shards: seed === 3 ? 3 : 1 };
        const connections = await Promise.all(proxies.map((proxy, at) => behind(proxy, at === 0 ? SKEW_MS : -SKEW_MS)));
        const rigs = await machines(
          prefix,
          levels,
          connections.map((connection) => ({ connection, ...shared })),
        );
        const losses = losing(prefix);
        const trouble = proxies.map((proxy, at) => every((450 + 70 * at) * SLOWER, () => strike(proxy)));
        const played = await history(subjectsOf(rigs), seed, levels, () => losses.times() > TIMES);
        await Promise.all([losses, ...trouble].map((each) => each.stop()));
        await closed(rigs);
        expectSound(played, seed, levels);
        expect(losses.times()).toBeGreaterThan(TIMES);
      },
    );

    it.each(SEEDS)('with a process that is halted again and again (seed %i)', async (seed) => {
      const prefix = randomPrefix();
      const subjects = [new ProcessSubject(), new ProcessSubject()];
      const processes = await Promise.all(
        subjects.map(({ source }) =>
          TieredProcess.start(server.url, prefix, { ...levels.process, lease: '1s' }, source),
        ),
      );
      ends.push(() => Promise.all(processes.map((one) => one.kill())));
      subjects.forEach((subject, at) => subject.attach(processes[at]!));
      const [halted] = processes;
      const halting = every(300 * SLOWER, async () => {
        halted!.halt();
        await pause(X_MS * 4);
        halted!.resume();
      });
      const played = await history(subjects, seed, levels, () => halting.times() > TIMES);
      await halting.stop();
      expectSound(played, seed, levels);
      expect(halting.times()).toBeGreaterThan(TIMES);
    });

    it.each(SEEDS)('with a server that is killed and started again empty (seed %i)', async (seed) => {
      const own = await MongoProcess.start();
      ends.push(() => own.stop());
      const prefix = randomPrefix();
      const options = { uri: own.url, collection: prefix };
      const rigs = await machines(prefix, levels, [options, options]);
      const killing = every(1_200 * SLOWER, () => own.restartEmpty());
      const played = await history(subjectsOf(rigs), seed, levels, () => killing.times() > 1);
      await killing.stop();
      await closed(rigs);
      expectSound(played, seed, levels);
      expect(killing.times()).toBeGreaterThan(1);
    });
  });
});

async function machines(prefix: string, { over }: Levels, options: readonly MongoOptions[]): Promise<Rig<Clock>[]> {
  const fast = {
    timeout: '400ms',
    pause: '50ms',
    failures: 20,
    prefix,
    ...(over === undefined ? {} : { over }),
  } as const;
  const rigs = options.map(
    (own) =>
      new Rig<Clock>({
        backend: mongoFactory({ ...own, ...fast }),
        clock: systemClock,
        isHeard: false,
        limits: { lease: '500ms' },
      }),
  );
  await Promise.all(rigs.map((rig) => rig.backend.open?.()));
  return rigs;
}

function subjectsOf(rigs: readonly Rig<Clock>[]): Subject[] {
  return rigs.map((rig) => new RigSubject(rig));
}

async function closed(rigs: readonly Rig<Clock>[]): Promise<void> {
  await Promise.all(rigs.map((rig) => rig.machine.close()));
}

function history(
  subjects: readonly Subject[],
  seed: number,
  { lateMs }: Levels,
  isEnough: () => boolean,
): Promise<Played> {
  return play({
    subjects,
    seed,
    callers: 24,
    durationMs: DURATION_MS,
    atLeast: ENOUGH,
    isEnough,
    // A process of its own can only say in words what failed.
    isExpected: (error) => error instanceof CacheError || (error instanceof Error && /Error/.test(error.message)),
    // Where nothing may be late moments are counted: no two of them are the same.
    history: lateMs === 0 ? new History() : new History(() => performance.now()),
  });
}

function expectSound({ history: seen, failures }: Played, seed: number, { lateMs }: Levels): void {
  const worstMs = worstOf(seen.violations());
  const { length: reads } = seen.reads;
  const { length: invalidations } = seen.invalidations;
  if (IS_SOAK)
    console.log(JSON.stringify({ test: expect.getState().currentTestName, reads, invalidations, failures, worstMs }));
  expect({ seed, stale: seen.violations(lateMs).slice(0, 1), worstMs }).toEqual({
    seed,
    stale: [],
    worstMs: expect.any(Number),
  });
  expect(reads).toBeGreaterThan(ENOUGH.reads);
  expect(invalidations).toBeGreaterThan(ENOUGH.invalidations);
}

interface Loop {
  stop(): Promise<void>;
  times(): number;
}

/** Work that is done again and again, one after the other, until it is stopped. */
function every(ms: number, work: () => Promise<unknown>): Loop {
  let isOver = false;
  let times = 0;
  const loop = (async () => {
    for (;;) {
      await pause(ms);
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
