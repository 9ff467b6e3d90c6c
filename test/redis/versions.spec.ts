/** B18: two versions of the library at one server, as a deployment has them for a while. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { Version, type Change, type VersionProcess } from '../support/redis/versions.js';

jest.setTimeout(60_000);

const LATER_ENVELOPE: Change = ['codec/envelope.ts', 'const VERSION = 1;', 'const VERSION = 2;'];
/** Scripts of another version are other scripts, although they do the same. */
const LATER_SCRIPTS: Change = [
  'backends/redis/scripts/fragments/meta.ts',
  'local function num(n)',
  '-- later\nlocal function num(n)',
];
const LATER_LAYOUT: Change = ['backends/redis/shards.ts', 'const LAYOUT = 2;', 'const LAYOUT = 3;'];
/** State strings that only the later one reads, in the layout that both know. */
const LATER_STATE: Change = ['backends/redis/state-string.ts', 'STATE_FORMAT = 2;', 'STATE_FORMAT = 3;'];
/** As they were before they named labels: the hash keeps no list, and one that stands there stays as it is. */
const EARLIER_STATE: readonly Change[] = [
  ['backends/redis/state-string.ts', 'STATE_FORMAT = 2;', 'STATE_FORMAT = 1;'],
  ['backends/redis/scripts/invalidate.ts', "'b', now, 'r', list)\nif", "'b', now)\nif"],
  ['backends/redis/scripts/invalidate.ts', "'b', now, 'r', list, 'p'", "'b', now, 'p'"],
  // Nor does its string name any, or it would differ from its hash.
  [
    'backends/redis/scripts/invalidate.ts',
    'say(KEYS[3], i, floor, list, left)',
    'say(KEYS[3], i, floor, anew(now), left)',
  ],
];

/** Every way to say that `cat`, which has the tag `red`, is over. */
const WAYS: readonly [verb: string, ...args: string[]][] = [
  ['evict', 'cat'],
  ['invalidateTag', 'red'],
  ['removeMatching', 'c*'],
  ['clear'],
  ['clearEverything'],
];

describeWithRedis('two versions of the library', () => {
  let server: RedisProcess;
  const versions: Version[] = [];
  const processes: VersionProcess[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start();
    versions.push(
      ...(await Promise.all(
        [[], [LATER_ENVELOPE, LATER_SCRIPTS], [LATER_LAYOUT], [LATER_STATE], EARLIER_STATE].map((all) =>
          Version.with(...all),
        ),
      )),
    );
  });
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.stop()));
    await Promise.all(versions.map((version) => version.remove()));
    await server.stop();
  });
  const startBoth = async (which: number): Promise<[VersionProcess, VersionProcess]> => {
    const prefix = randomPrefix();
    const pair = await Promise.all(
      [versions[0], versions[which]].map((version) => (version as Version).start(server.url, prefix)),
    );
    processes.push(...pair);
    return pair as [VersionProcess, VersionProcess];
  };

  describe('of one layout, with envelopes that only the later one reads', () => {
    let [older, later]: VersionProcess[] = [];
    const sides: [string, () => VersionProcess, () => VersionProcess][] = [
      ['the older', () => older as VersionProcess, () => later as VersionProcess],
      ['the later', () => later as VersionProcess, () => older as VersionProcess],
    ];
    beforeAll(async () => {
      [older, later] = await startBoth(1);
    });
    afterEach(() => older?.ask('clearEverything'));

    it.each(sides)('B18: what %s stores is a miss for the other, which loads it anew', async (_, one, other) => {
      await one().ask('set', 'cat', { name: 'Tom' });
      expect(await one().ask('get', 'cat')).toEqual({ name: 'Tom' });
      expect(await other().ask('get', 'cat')).toBeNull();
      // A miss deletes nothing.
      expect(await one().ask('get', 'cat')).toEqual({ name: 'Tom' });
      expect(await other().ask('load', 'cat', { name: 'Kit' })).toEqual({ name: 'Kit' });
      expect(await other().ask('get', 'cat')).toEqual({ name: 'Kit' });
      expect(await one().ask('get', 'cat')).toBeNull();
      expect(
        [await one().ask('trouble'), await other().ask('trouble')].flat().filter((type) => type === 'error'),
      ).toEqual([]);
      // What is newer than itself is not damaged.
      expect(await (older as VersionProcess).ask('trouble')).toEqual([]);
    });

    it.each(sides)('B18: what %s invalidates is gone for the other, in every way to say so', async (_, one, other) => {
      for (const way of WAYS) {
        await other().ask('set', 'cat', 'Tom', ['red']);
        expect(await other().ask('get', 'cat')).toBe('Tom');
        await one().ask(...way);
        expect([way, await other().ask('get', 'cat')]).toEqual([way, null]);
      }
    });

    it.each(sides)('B18: an invalidation by %s refuses what the other has under way', async (_, one, other) => {
      for (const way of WAYS.filter(([verb]) => verb !== 'removeMatching')) {
        const loading = other().ask('load', 'cat', 'old', 400, ['red']);
        await new Promise((resolve) => setTimeout(resolve, 150));
        await one().ask(...way);
        expect(await loading).toBe('old');
        expect([way, await other().ask('get', 'cat')]).toEqual([way, null]);
      }
    });

    it('B18: one loads while the other waits for it, and then for itself; counters are counted by both', async () => {
      const [one, other] = [older as VersionProcess, later as VersionProcess];
      const first = one.ask('load', 'cold', 'by the older', 300);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const second = other.ask('load', 'cold', 'by the later', 10);
      expect(await Promise.all([first, second])).toEqual(['by the older', 'by the later']);
      for (let count = 1; count <= 6; count++)
        expect(await (count % 2 === 0 ? one : other).ask('increment', 'n')).toBe(count);
    });
  });

  it.each([
    ['that only the later one reads', 3],
    ['of which the earlier names no labels', 4],
  ])('A92: with state strings %s both hit what either stores, and see what either removes', async (_, which) => {
    const pair = await startBoth(which);
    for (const [one, other] of [pair, [...pair].reverse() as typeof pair]) {
      for (const way of WAYS) {
        await other.ask('set', 'cat', 'Tom', ['red']);
        expect([way, await one.ask('get', 'cat'), await other.ask('get', 'cat')]).toEqual([way, 'Tom', 'Tom']);
        await one.ask('invalidateTag', 'blue');
        expect([way, await one.ask('get', 'cat'), await other.ask('get', 'cat')]).toEqual([way, 'Tom', 'Tom']);
        await one.ask(...way);
        // Of the one that names no labels nothing is left out of a list that the other goes on with.
        await other.ask('invalidateTag', 'blue');
        expect([way, await one.ask('get', 'cat'), await other.ask('get', 'cat')]).toEqual([way, null, null]);
      }
    }
    expect([await pair[0].ask('trouble'), await pair[1].ask('trouble')]).toEqual([[], []]);
  });

  it('B18: of another layout each is a cache of its own, whatever the other removes', async () => {
    const [older, later] = await startBoth(2);
    await older.ask('set', 'cat', 'Tom', ['red']);
    await later.ask('set', 'cat', 'Kit', ['red']);
    for (const way of WAYS) {
      await later.ask(...way);
      expect([way, await older.ask('get', 'cat'), await later.ask('get', 'cat')]).toEqual([way, 'Tom', null]);
      await later.ask('set', 'cat', 'Kit', ['red']);
    }
    await older.ask('clearEverything');
    expect([await older.ask('get', 'cat'), await later.ask('get', 'cat')]).toEqual([null, 'Kit']);
    expect([await older.ask('trouble'), await later.ask('trouble')]).toEqual([[], []]);
  });
});
