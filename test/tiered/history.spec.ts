/**
 * Machines with two levels behind networks that fail: the checker of test/history decides. A read may be stale for as
 * long as a copy is served without a check, and the moment that a check is in flight (guarantee G4).
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { systemClock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { History, worstOf } from '../history/support/history.js';
import { play } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { tieredFactory, type TieredMachineOptions } from '../support/bus/tiered-machine.js';
import { ProcessSubject } from '../support/bus/process.subject.js';
import { TieredProcess } from '../support/bus/tiered-process.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy, type ProxyMode } from '../support/proxy/tcp-proxy.js';
import { pause, randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(90_000);

/** With seed 1 every process receives changes; with others one does not, and checks. */
const [DURATION_MS, SEEDS] = soaking([20_000, [1, 2, 3]], [900, [1, 2]]);
/** Between two troubles of a network, so that each comes more than once. */
const CALM_MS = soaking(600, 250);
/** Fewer than these, and nothing being stale means little. */
const ENOUGH = { reads: 200, invalidations: 10 } as const;
const X_MS = 100;
/** A check counts from when it was sent, so a round trip and what a busy machine adds to it is generous. */
const ROUND_TRIP_MS = 50;
const CALL_MS = 150;
const FAST = { timeout: CALL_MS, pause: 50, failures: 20, bus: { heartbeat: 100 } } as const;

interface Trouble {
  /** Does something bad for a moment, and undoes it. */
  readonly strike: (proxy: TcpProxy) => Promise<void>;
}

const passing = async (proxy: TcpProxy, mode: ProxyMode, forMs: number): Promise<void> => {
  proxy.mode = mode;
  await pause(forMs);
  proxy.mode = 'pass';
};

const NETWORKS: [string, Trouble | undefined][] = [
  ['over a sound network', undefined],
  ['over a network that resets', { strike: async (proxy) => proxy.reset() }],
  [
    'over a network that swallows everything for a while',
    {
      strike: async (proxy) => {
        await passing(proxy, 'blackhole', 250);
        proxy.reset();
      },
    },
  ],
  ['over a network that loses answers', { strike: (proxy) => passing(proxy, 'dropReplies', 60) }],
  [
    'over a slow network',
    {
      strike: async (proxy) => {
        proxy.delayMs = 30;
        proxy.jitterMs = 30;
      },
    },
  ],
];

describeWithRedis('machines with two levels', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  const soundOf = (prefix: string, url: string, more: Partial<TieredMachineOptions>) =>
    new Rig({
      backend: tieredFactory({ ...FAST, url, prefix, maxUnvalidated: X_MS, ...more }),
      clock: systemClock,
      isHeard: false,
      limits: { lease: '500ms' },
    });

  describe.each(NETWORKS)('%s', (_, trouble) => {
    it.each(SEEDS)(
      'no read returns what was invalidated longer ago than copies are served without a check (seed %i)',
      async (seed) => {
        const proxies = await Promise.all([TcpProxy.before(server.port), TcpProxy.before(server.port)]);
        const prefix = randomPrefix();
        // One of them never receives a message: what bounds it is the check alone.
        const rigs = proxies.map(({ url }, at) => soundOf(prefix, url, at === 1 && seed !== 1 ? { bus: false } : {}));
        await Promise.all(rigs.map((rig) => rig.backend.open?.()));
        const timers = proxies.map((proxy, at) => setInterval(() => void trouble?.strike(proxy), CALM_MS + 130 * at));
        const history = new History(() => performance.now());
        const { failures } = await play({
          subjects: rigs.map((rig) => new RigSubject(rig)),
          seed,
          callers: 24,
          durationMs: DURATION_MS,
          atLeast: ENOUGH,
          isExpected: (error) => error instanceof CacheError,
          history,
        });
        timers.forEach((timer) => clearInterval(timer));
        await Promise.all(rigs.map((rig) => rig.machine.close()));
        await Promise.all(proxies.map((proxy) => proxy.close()));
        const missed = history.violations();
        expect({ seed, stale: history.violations(X_MS + ROUND_TRIP_MS).slice(0, 1), worstMs: worstOf(missed) }).toEqual(
          {
            seed,
            stale: [],
            worstMs: expect.any(Number),
          },
        );
        expect(history.reads.length).toBeGreaterThan(ENOUGH.reads);
        expect(history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
        if (trouble === undefined) expect(failures).toBeLessThan(history.reads.length);
      },
    );
  });

  it.each(SEEDS)('a process that is halted again and again catches up (seed %i)', async (seed) => {
    const prefix = randomPrefix();
    const options = { maxUnvalidated: X_MS, bus: { heartbeat: 100 }, lease: '1s' } as const;
    // The one that is halted receives nothing in most of them: what bounds it is the check alone.
    const withoutEffect = { ...options, bus: false } as const;
    const subjects = [new ProcessSubject(), new ProcessSubject()];
    const processes = await Promise.all(
      subjects.map((subject, at) =>
        TieredProcess.start(server.url, prefix, at === 0 && seed !== 1 ? withoutEffect : options, subject.source),
      ),
    );
    subjects.forEach((subject, at) => subject.attach(processes[at]!));
    const [halted] = processes;
    let isOver = false;
    const halting = (async () => {
      while (!isOver) {
        await pause(CALM_MS / 2);
        halted!.halt();
        await pause(X_MS * 4);
        halted!.resume();
      }
    })();
    const history = new History(() => performance.now());
    await play({
      subjects,
      seed,
      callers: 16,
      durationMs: DURATION_MS,
      atLeast: ENOUGH,
      isExpected: () => true,
      history,
    });
    isOver = true;
    await halting;
    await Promise.all(processes.map((one) => one.kill()));
    expect(history.violations(X_MS + ROUND_TRIP_MS).slice(0, 1)).toEqual([]);
    expect(history.reads.length).toBeGreaterThan(ENOUGH.reads);
    expect(history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
  });
});
