/**
 * Machines with two levels that publish on sharded channels, over a cluster whose slots move meanwhile: the
 * checker of test/history decides (guarantees G4 and G5).
 */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { systemClock } from '../../lib/core/clock.js';
import { CacheError } from '../../lib/core/errors.js';
import { History, worstOf } from '../history/support/history.js';
import { play } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { tieredFactory } from '../support/bus/tiered-machine.js';
import { firstLevelOf } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { pause, randomPrefix } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(90_000);

const DURATION_MS = soaking(20_000, 1_200);
/** Fewer than these, and nothing being stale means little. */
const ENOUGH = { reads: 200, invalidations: 10 } as const;
const MOVES = 4;
const X_MS = 100;
/** A check counts from when it was sent, so a round trip and what a busy machine adds to it is generous. */
const ROUND_TRIP_MS = 50;
/** Until a slot that has moved is noticed at the latest: three heartbeats, and what a busy machine adds to them. */
const NOTICED_MS = 1_000;
const NOTHING = { entries: 0 };
const TENANTS = ['acme', 'beta'] as const;

describeWithRedis('machines with two levels that follow slots', () => {
  let cluster: RedisCluster;
  let rigs: Rig<typeof systemClock>[] = [];
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterEach(async () => {
    await Promise.all(rigs.map((rig) => rig.machine.close()));
  });
  afterAll(() => cluster.stop());

  /** The slots of both tenants go round the masters. @param moved is called with how often one has */
  const travel = async (isOver: () => Promise<boolean>, moved: (times: number) => void): Promise<void> => {
    const masters = (await cluster.facts()).filter(({ isMaster }) => isMaster).map(({ port }) => cluster.node(port));
    const slots = await Promise.all(TENANTS.map((tenant) => cluster.slotOf(`{t.${tenant}}`)));
    let moves = 0;
    while (!(await isOver())) {
      const slot = slots[moves % slots.length] as number;
      const { master } = await cluster.keeperOf(slot);
      const next = masters[(masters.indexOf(master) + 1) % masters.length];
      await cluster.moveSlot(slot, next as (typeof masters)[number]);
      moved(++moves);
      await pause(200);
    }
  };

  it.each([
    ['longer ago than copies are believed', 1, X_MS, X_MS + ROUND_TRIP_MS],
    ['longer ago than it takes to receive it, where nothing is checked', 2, '1h', NOTICED_MS],
  ] as const)('no read misses what was invalidated %s (seed %i)', async (_, seed, maxUnvalidated, boundMs) => {
    const prefix = randomPrefix();
    const options = { cluster: cluster.startNodes, pubSub: 'sharded', prefix, maxUnvalidated, shards: 1 } as const;
    const fast = { timeout: 300, pause: 50, failures: 20, bus: { heartbeat: 100 } } as const;
    rigs = Array.from(
      { length: 2 },
      () =>
        new Rig({
          backend: tieredFactory({ ...options, ...fast }),
          clock: systemClock,
          isHeard: false,
          limits: { lease: '500ms' },
        }),
    );
    await Promise.all(rigs.map((rig) => rig.backend.open?.()));
    let isOver = false;
    let kept = 0;
    let moves = 0;
    const travelling = travel(
      async () => {
        for (const rig of rigs) kept = Math.max(kept, (await firstLevelOf(rig).catch(() => NOTHING)).entries);
        return isOver;
      },
      (times) => (moves = times),
    );
    const history = new History(() => performance.now());
    const subjects = rigs.map((rig) => new RigSubject(rig));
    const isExpected = (error: unknown): boolean => error instanceof CacheError;
    const isEnough = (): boolean => moves >= MOVES && kept > 0;
    await play({
      subjects,
      seed,
      callers: 24,
      durationMs: DURATION_MS,
      atLeast: ENOUGH,
      isEnough,
      isExpected,
      history,
    });
    isOver = true;
    await travelling;
    expect(moves).toBeGreaterThanOrEqual(MOVES);
    const stale = history.violations(boundMs).slice(0, 1);
    expect({ seed, stale, worstMs: worstOf(history.violations()) }).toEqual({
      seed,
      stale: [],
      worstMs: expect.any(Number),
    });
    expect(history.reads.length).toBeGreaterThan(ENOUGH.reads);
    expect(history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
    expect(kept).toBeGreaterThan(0);
  });
});
