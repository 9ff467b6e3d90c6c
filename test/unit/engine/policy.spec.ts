import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { Rig, type Options } from '../../support/machine/rig.js';

const MINUTE = 60_000;

/** How long what was stored under the options is fresh, to the millisecond; null: no expiry. */
async function freshForMs(rig: Rig, name: string, options: Options = {}): Promise<number | null | undefined> {
  return rig.machine.engine.ttlMs(rig.key(name, options), rig.policy(options));
}

describe('ttl', () => {
  it('an entry is fresh to the last millisecond of its ttl', async () => {
    const rig = new Rig();
    await rig.load('tom', () => 'Tom', { ttl: '1m' });
    await rig.clock.advance(MINUTE - 1);
    expect(await rig.get('tom')).toBe('Tom');
    await rig.clock.advance(1);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('null means no expiry', async () => {
    const rig = new Rig();
    await rig.load('tom', () => 'Tom', { ttl: null });
    await rig.clock.advance(3_650 * 86_400_000);
    expect(await rig.get('tom')).toBe('Tom');
    expect(await freshForMs(rig, 'tom')).toBeNull();
  });

  it('a function of the result and the arguments decides for each result', async () => {
    const rig = new Rig();
    const ttl = (result: { ms: number | null }, factor: number): number | null =>
      result.ms === null ? null : result.ms * factor;
    const options: Options = { ttl: ttl as never, rules: { args: [3] } };
    await rig.load('short', () => ({ ms: 10_000 }), options);
    await rig.load('endless', () => ({ ms: null }), options);
    expect(await freshForMs(rig, 'short')).toBe(30_000);
    expect(await freshForMs(rig, 'endless')).toBeNull();
  });

  it('a function that throws, or says nonsense, costs the storing and not the result', async () => {
    const rig = new Rig();
    const broken = (): never => {
      throw new Error('a secret of the value');
    };
    expect(await rig.load('a', () => 'A', { ttl: broken as never })).toBe('A');
    expect(await rig.load('b', () => 'B', { ttl: (() => -5) as never, namespace: 'dogs' })).toBe('B');
    expect(await rig.get('a')).toBeUndefined();
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['rule', 'rule']);
    const warnings = rig.recorded.of('warning').map(({ message }) => message);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain('secret');
    expect(warnings[1]).toContain('dogs');
  });

  it('is cut to limits.maxTtl, no expiry included', async () => {
    const rig = new Rig({ limits: { maxTtl: '1m' } });
    await rig.load('long', () => 1, { ttl: '1d' });
    await rig.load('endless', () => 1, { ttl: null });
    await rig.load('said', ({ ttl }) => (ttl('2h'), 1));
    await rig.set('written', 1, { ttl: null });
    for (const name of ['long', 'endless', 'said', 'written']) expect(await freshForMs(rig, name)).toBe(MINUTE);
    await rig.machine.engine.writes.expire(rig.key('long'), Infinity, rig.policy());
    expect(await freshForMs(rig, 'long')).toBe(MINUTE);
  });
});

describe('negativeTtl', () => {
  it('is the ttl of null, of nothing else', async () => {
    const rig = new Rig();
    const options: Options = { ttl: '1h', negativeTtl: '5s' };
    for (const [name, value] of Object.entries({ none: null, zero: 0, empty: '', no: false })) {
      await rig.load(name, () => value, options);
    }
    expect(await freshForMs(rig, 'none')).toBe(5_000);
    for (const name of ['zero', 'empty', 'no']) expect(await freshForMs(rig, name)).toBe(3_600_000);
  });
});

describe('jitter', () => {
  it('shortens each ttl by up to its share, never lengthens it', async () => {
    const rig = new Rig({ random: seededRandom(3) });
    const ttls: number[] = [];
    for (let index = 0; index < 200; index++) {
      await rig.load(`k${index}`, () => 1, { ttl: '100s', jitter: 0.2 });
      ttls.push((await freshForMs(rig, `k${index}`)) as number);
    }
    expect(Math.min(...ttls)).toBeGreaterThanOrEqual(80_000);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(100_000);
    expect(Math.max(...ttls) - Math.min(...ttls)).toBeGreaterThan(15_000);
    expect(new Set(ttls).size).toBeGreaterThan(150);
  });

  it('never shortens a ttl to nothing', async () => {
    const rig = new Rig({ random: () => 0.999_999 });
    await rig.load('tom', () => 'Tom', { ttl: 1, jitter: 0.5 });
    expect(await freshForMs(rig, 'tom')).toBe(1);
  });
});

describe('earlyRefresh', () => {
  /** Reads every half second of the last ten of the ttl; when the first reload began, in seconds before the end. */
  async function firstReload(
    seed: number,
    earlyRefresh: number | boolean,
    loadMs: number,
  ): Promise<number | undefined> {
    const rig = new Rig({ random: seededRandom(seed) });
    const options: Options = { ttl: '1m', earlyRefresh };
    const slow = async (): Promise<string> => {
      await rig.clock.sleep(loadMs);
      return 'Tom';
    };
    const first = rig.load('tom', slow, options);
    await rig.clock.advance(loadMs);
    await first;
    await rig.clock.advance(50_000);
    for (let left = 10_000; left > 0; left -= 500) {
      let isAsked = false;
      expect(await rig.load('tom', () => ((isAsked = true), 'new'), options)).toBe('Tom');
      await rig.clock.settle();
      if (isAsked) return left / 1_000;
      await rig.clock.advance(500);
    }
    return undefined;
  }

  it('reloads a hot entry before its ttl ends, and nobody waits', async () => {
    const ends = await Promise.all(Array.from({ length: 20 }, (_, seed) => firstReload(seed, true, 1_000)));
    expect(ends.filter((end) => end !== undefined).length).toBeGreaterThan(15);
  });

  it('is earlier the longer a load takes, and the larger the factor', async () => {
    const mean = async (factor: number, loadMs: number): Promise<number> => {
      const ends = await Promise.all(Array.from({ length: 15 }, (_, seed) => firstReload(seed, factor, loadMs)));
      return ends.reduce<number>((sum, end) => sum + (end ?? 0), 0) / ends.length;
    };
    const [usual, slow, eager] = await Promise.all([mean(1, 400), mean(1, 2_000), mean(8, 400)]);
    expect(slow).toBeGreaterThan(usual);
    expect(eager).toBeGreaterThan(usual);
  });

  it('is off by default', async () => {
    expect(await firstReload(1, false, 2_000)).toBeUndefined();
  });

  it('of many readers at once one reloads', async () => {
    const rig = new Rig({ random: () => 0.999_999_999 });
    const options: Options = { ttl: '1m', earlyRefresh: 10 };
    const first = rig.load('tom', () => rig.clock.sleep(1_000).then(() => 'Tom'), options);
    await rig.clock.advance(1_000);
    await first;
    let loads = 0;
    const calls = Array.from({ length: 30 }, () =>
      rig.load('tom', () => rig.clock.sleep(10).then(() => ++loads), options),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['Tom']));
    await rig.clock.advance(10);
    expect(loads).toBe(1);
    expect(await rig.get('tom')).toBe(1);
  });
});

describe('isolate', () => {
  it('clone: every reader has a copy; freeze: all share one frozen value; none: all share the very object', async () => {
    const rig = new Rig();
    const value = { list: [1] };
    for (const isolate of ['clone', 'freeze', 'none'] as const) await rig.load(isolate, () => value, { isolate });
    const [copy, frozen, same] = await Promise.all(['clone', 'freeze', 'none'].map((name) => rig.get(name)));
    expect(copy).not.toBe(await rig.get('clone'));
    expect(frozen).toBe(await rig.get('freeze'));
    expect(Object.isFrozen(frozen) && Object.isFrozen((frozen as typeof value).list)).toBe(true);
    expect(Object.isFrozen(value)).toBe(false);
    expect(same).toBe(value);
  });
});
