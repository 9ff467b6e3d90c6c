/** Two machines on one server, each behind a network that fails: the checker of test/history decides. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../lib/core/clock.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { CacheError } from '../../lib/core/errors.js';
import { summary } from '../history/support/machines.js';
import { play } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy, type ProxyMode } from '../support/proxy/tcp-proxy.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { redisFactory } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

const SEEDS = soaking([1, 2, 3], [1]);
/** Where nothing goes wrong it takes less to see something. */
const [DURATION_MS, SOUND_MS] = soaking([20_000, 20_000], [1_500, 1_000]);
/** Fewer than these, and nothing being stale means little. */
const ENOUGH = soaking({ reads: 4_000, invalidations: 100 }, { reads: 400, invalidations: 15 });
const FAULTS: readonly ProxyMode[] = ['blackhole', 'dropReplies', 'dropRequests', 'refuse', 'shift'];

describeWithRedis('two machines on Redis', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  const networks: [string, boolean, number][] = [
    ['over a sound network', false, 1],
    ['over a network that resets, loses and shifts, spread over two slots', true, 2],
  ];

  describe.each(networks)('%s no read is stale', (_, isBad, shards) => {
    it.each(SEEDS)('seed %i', async (seed) => {
      const proxies = await Promise.all([TcpProxy.before(server.port), TcpProxy.before(server.port)]);
      const stopTrouble = isBad ? disturb(proxies) : (): void => undefined;
      await nothingIsStale(
        seed,
        proxies.map(({ url }) => ({ url, shards })),
        isBad ? DURATION_MS : SOUND_MS,
      );
      stopTrouble();
      await Promise.all(proxies.map((proxy) => proxy.close()));
    });
  });
});

describeWithRedis('two machines on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => cluster.stop());

  it.each(SEEDS)('whose masters change places by order read nothing stale: seed %i', async (seed) => {
    const options = { cluster: cluster.startNodes, shards: 4 };
    const timer = setInterval(() => {
      const node = cluster.nodes[Math.floor(Math.random() * cluster.nodes.length)];
      // Refused by masters, and while another change is under way.
      node?.command('CLUSTER', 'FAILOVER').catch(() => undefined);
    }, 700);
    await nothingIsStale(seed, [options, options]);
    clearInterval(timer);
    await cluster.settled();
  });
});

async function nothingIsStale(seed: number, options: readonly RedisOptions[], durationMs = DURATION_MS): Promise<void> {
  const prefix = randomPrefix();
  const rigs = options.map(
    (own) =>
      new Rig({
        backend: redisFactory({ ...own, prefix, timeout: '150ms', pause: '50ms', failures: 20 }),
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
    durationMs,
    atLeast: ENOUGH,
    isExpected: (error) => error instanceof CacheError,
  });
  await Promise.all(rigs.map((rig) => rig.machine.close()));
  expect(summary(played, seed)).toMatchObject({ seed, stale: 0, first: undefined });
  expect(played.history.reads.length).toBeGreaterThan(ENOUGH.reads);
  expect(played.history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
}

/** A reset every now and then, and between them a fault that lasts a moment. */
function disturb(proxies: readonly TcpProxy[]): () => void {
  const timers = proxies.map((proxy, at) =>
    setInterval(
      () => {
        proxy.reset();
        proxy.mode = FAULTS[Math.floor(Math.random() * FAULTS.length)] ?? 'pass';
        setTimeout(() => {
          proxy.mode = 'pass';
        }, 60);
      },
      250 + 70 * at,
    ),
  );
  return () => timers.forEach((timer) => clearInterval(timer));
}
