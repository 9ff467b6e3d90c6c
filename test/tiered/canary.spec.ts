/** Every value names its user. No caller ever gets another's, whatever the network does to the answers. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { Rig, type Options } from '../support/machine/rig.js';
import { TcpProxy, type ProxyMode } from '../support/proxy/tcp-proxy.js';
import { enough, randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(90_000);

const DURATION_MS = soaking(20_000, 2_000);
const FAULTS: readonly ProxyMode[] = ['shift', 'shift', 'dropReplies', 'refuse'];

interface Canary {
  readonly whose: string;
}

describeWithRedis('two levels and many tenants', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it('no caller gets what is another’s', async () => {
    const prefix = randomPrefix();
    const proxies = await Promise.all([1, 2, 3].map(() => TcpProxy.before(server.port)));
    // Little room, so that copies are displaced all the time; a quota for each tenant; checks all the time.
    const memory = { maxEntries: 100, quota: { maxEntries: 20 } };
    const rigs = proxies.map(
      ({ url }, at) =>
        new Rig<Clock>({
          clock: systemClock,
          isHeard: false,
          limits: { lease: '500ms' },
          backend: tieredFactory({
            url,
            prefix,
            memory,
            timeout: '150ms',
            pause: '50ms',
            failures: 20,
            maxUnvalidated: 1_000,
            // One of them has no bus, and so never misses a message.
            bus: at === 2 ? false : { heartbeat: 100 },
          }),
        }),
    );
    await Promise.all(rigs.map((rig) => rig.backend.open?.()));
    const timers = proxies.map((proxy, at) =>
      setInterval(
        () => {
          proxy.mode = FAULTS[Math.floor(Math.random() * FAULTS.length)] ?? 'pass';
          if (proxy.mode === 'refuse') proxy.reset();
          setTimeout(() => {
            proxy.mode = 'pass';
          }, 40);
        },
        450 + 120 * at,
      ),
    );
    const counts = { served: 0, near: 0, foreign: 0 };
    const shifts = (): number => proxies.reduce((sum, proxy) => sum + proxy.shifts, 0);
    const isOver = enough(DURATION_MS, () => counts.served > 2_000 && counts.near > 50 && shifts() > 2);
    await Promise.all(rigs.flatMap((rig, at) => [0, 1, 2, 3, 4, 5].map((n) => ask(rig, at * 10 + n, isOver, counts))));
    timers.forEach((timer) => clearInterval(timer));
    await Promise.all(rigs.map(({ machine }) => machine.close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    expect(counts.foreign).toBe(0);
    expect(counts.served).toBeGreaterThan(2_000);
    expect(counts.near).toBeGreaterThan(50);
    expect(shifts()).toBeGreaterThan(2);
  });
});

async function ask(
  rig: Rig<Clock>,
  seed: number,
  isOver: () => boolean,
  counts: { served: number; near: number; foreign: number },
): Promise<void> {
  const random = seededRandom(seed + 1);
  while (!isOver()) {
    const tenant = `t${Math.floor(random() * random() * 12)}`;
    const user = random() < 0.5 ? undefined : `u${Math.floor(random() * 3)}`;
    const name = Math.floor(random() * 4);
    const place: Options = { tenant, ...(user === undefined ? {} : { user }), tags: ['red'] };
    const whose = `${tenant} ${user ?? '-'} ${name}`;
    const act = random();
    try {
      if (act < 0.9) {
        const reading = rig.backend.read(rig.key(name, place));
        const isNear = !(reading instanceof Promise);
        // Only whether a copy is there is tested; what the network does with it does not matter here.
        if (reading instanceof Promise) reading.catch(() => undefined);
        const found = await rig.load<Canary>(name, async () => ({ whose }), place);
        counts.served++;
        if (isNear) counts.near++;
        if (found.whose !== whose) counts.foreign++;
      } else if (act < 0.94) await rig.set(name, { whose }, place);
      else if (act < 0.98) await rig.evict(name, place);
      else await rig.invalidateTag('red', { tenant });
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
    }
    if (random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
  }
}
