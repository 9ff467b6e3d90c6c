/** Two machines on one server, each behind a network that fails: the checker of test/history decides. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { summary } from '../history/support/machines.js';
import { play } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy, type ProxyMode } from '../support/proxy/tcp-proxy.js';
import { redisFactory } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

const IS_SOAK = process.env['SOAK'] !== undefined;
const DURATION_MS = IS_SOAK ? 20_000 : 5_000;
/** Fewer than these, and nothing being stale means little. */
const [MIN_READS, MIN_INVALIDATIONS] = IS_SOAK ? [4_000, 100] : [400, 15];
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
    it.each([1, 2, 3])(
      'seed %i',
      async (seed) => {
        const proxies = await Promise.all([TcpProxy.before(server.port), TcpProxy.before(server.port)]);
        const prefix = randomPrefix();
        const rigs = proxies.map(
          ({ url }) =>
            new Rig({
              backend: redisFactory({ url, prefix, shards, timeout: '150ms', pause: '50ms', failures: 20 }),
              clock: systemClock,
              isHeard: false,
              limits: { lease: '500ms' },
            }),
        );
        await Promise.all(rigs.map((rig) => rig.backend.open?.()));
        const trouble = isBad ? disturb(proxies) : undefined;
        const played = await play({
          subjects: rigs.map((rig) => new RigSubject(rig)),
          seed,
          callers: 24,
          durationMs: DURATION_MS,
          isExpected: (error) => error instanceof CacheError,
        });
        trouble?.();
        await Promise.all(rigs.map((rig) => rig.machine.close()));
        await Promise.all(proxies.map((proxy) => proxy.close()));
        expect(summary(played, seed)).toMatchObject({ seed, stale: 0, first: undefined });
        expect(played.history.reads.length).toBeGreaterThan(MIN_READS);
        expect(played.history.invalidations.length).toBeGreaterThan(MIN_INVALIDATIONS);
      },
      60_000,
    );
  });
});

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
