/**
 * Six processes with many readers each, behind networks that are cut for up to 300 ms, frozen for up to 600 ms and then cut,
 * or late by up to 60 ms; and the same on every kind of server with what servers and processes do besides. How much was
 * read so, and when, is in docs/histories.md.
 */
import { expect, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { Crowd } from '../history/crowd/crowd.js';
import { GROUNDS, type GroundName } from '../history/crowd/grounds.js';
import { MachineMember } from '../history/crowd/machine.member.js';
import { play, type Play } from '../history/crowd/play.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(120_000);

const [SEEDS, FOR_MS] = soaking([[1, 2, 3], 30_000], [[1], 1_000]);
const NETWORK = ['cut', 'frozen', 'late'];
/** Answers change places, as in no network that works. */
const MIXED = 'mixed';
const SERVERS = [
  'displaced',
  'demoted',
  'failback',
  'sentinel hung',
  'failover',
  'takeover',
  'travelling',
  'shard hung',
  'shard dead',
];
const PROCESSES = ['busy', 'rolling'];
/** On a quiet machine deadlines could be the usual ones. */
const PATIENT = { timeout: '1s' } as const;

const SETTINGS: readonly (readonly [GroundName, Partial<Play>])[] = soaking<typeof SETTINGS>(
  [
    ['standalone', { faults: NETWORK }],
    ...GROUNDS.map(
      (ground) =>
        [ground, { faults: [...NETWORK, MIXED, ...SERVERS, ...PROCESSES], processes: 3, children: 1 }] as const,
    ),
  ],
  [['standalone', { faults: [...NETWORK, MIXED, 'displaced', 'busy'], calmMs: 300, busyMs: 150 }]],
);

describeWithRedis('a crowd of readers', () => {
  it.each(SETTINGS.flatMap(([ground, more]) => SEEDS.map((seed) => [ground, seed, more] as const)))(
    'A72: on %s reads nothing stale or foreign, no read fails and every process ends (seed %i)',
    async (ground, seed, more) => {
      const usual = { faults: NETWORK, processes: 6, children: 0, redis: PATIENT, busyMs: 1_300, calmMs: 2_000 };
      const played = await play({ ...usual, ground, seed, readers: 30, readsEach: 60, forMs: FOR_MS, ...more });
      expect(played).toMatchObject({ stale: [], failures: [], counts: { stale: 0, foreign: 0, failed: 0, stuck: 0 } });
      expect(played.counts.reads).toBeGreaterThan(100);
      expect(played.counts.confirmed).toBeGreaterThan(0);
    },
  );

  it('tells of a read that is stale what came before it', async () => {
    const crowd = new Crowd({
      members: [MachineMember.on(forgetful())],
      seed: 1,
      readers: 4,
      readsEach: 4,
      loaderMs: 1,
      boundMs: 0,
    });
    await crowd.play(100, () => crowd.stale.length > 0);
    await crowd.close();
    const [first] = crowd.stale;
    const story = (first?.story ?? []).join('\n');
    for (const op of ['load', 'fill stored', 'commit', 'delete', 'confirmed', 'read', 'answer'])
      expect(story).toContain(op);
    expect(first).toMatchObject({ process: 0, key: expect.stringMatching(/^(acme|beta)\//) });
    expect(first?.version).toBeLessThan(first?.atLeast ?? 0);
    expect(crowd.counts.stale).toBeGreaterThan(0);
  });
});

/** Says that it has evicted, and has not. */
function forgetful(): BackendFactory {
  const factory = memory();
  return {
    kind: factory.kind,
    create: (parts) =>
      new Proxy(factory.create(parts), {
        get(target, name) {
          const found: unknown = Reflect.get(target, name, target);
          if (name === 'evict') return async () => 0;
          return typeof found === 'function' ? (found.bind(target) as unknown) : found;
        },
      }),
  };
}
