/** Loaders and tenants that misbehave: rows of the fault list that no other file of the engine is about. */
import { describe, expect, it, jest } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { TagInvalidError } from '../../../lib/core/errors.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { shared } from '../../support/machine/backends.js';
import { Rig, Source } from '../../support/machine/rig.js';

describe('a loader', () => {
  it('B31: whose signal was aborted may still answer; nobody else is harmed and nothing goes unhandled', async () => {
    const rig = new Rig();
    let isAborted = false;
    const late = new Source();
    const first = rig.load(
      'tom',
      ({ signal }) => {
        signal.addEventListener('abort', () => (isAborted = true));
        return late.load();
      },
      { hardTimeout: '1s' },
    );
    const joined = rig.load('tom', () => 'never asked', { hardTimeout: '1s' });
    const ends = Promise.allSettled([first, joined]);
    await rig.clock.advance(1_000);
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(isAborted).toBe(true);
    late.answer(0, 'late');
    await rig.clock.settle();
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
    expect(await rig.get('tom')).toBe('Tom');
  });

  it.each<[string, (rig: Rig) => Promise<unknown>]>([
    ['its own key', (rig) => rig.evict('tom')],
    ['its own tag', (rig) => rig.invalidateTag('pets')],
    ['its tenant', (rig) => rig.clear()],
    ['a pattern it matches', (rig) => rig.removeMatching('t*')],
  ])('B35: that invalidates %s answers its caller and is not stored', async (_, invalidate) => {
    const rig = new Rig();
    const load = async (): Promise<string> => {
      await invalidate(rig);
      return 'Tom';
    };
    expect(await rig.load('tom', load, { tags: ['pets'] })).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toHaveLength(1);
  });

  it('B34: of A that needs B, while that of B in another process needs A, waits no longer than maxWait', async () => {
    const backend = shared(memory());
    const limits = { maxWait: '2s' } as const;
    const one = new Rig({ backend, limits });
    const other = new Rig({ backend, limits, clock: one.clock });
    const gate = new Source();
    const both = (rig: Rig, mine: string, theirs: string): Promise<unknown> =>
      rig.load(mine, async () => {
        await gate.load();
        return `${mine} with ${String(await rig.load(theirs, () => `${theirs} alone`))}`;
      });
    const calls = [both(one, 'a', 'b'), both(other, 'b', 'a')];
    await one.clock.settle();
    gate.answer(0, undefined);
    gate.answer(1, undefined);
    await one.clock.advance(2_100);
    expect(await Promise.all(calls)).toEqual(['a with b alone', 'b with a alone']);
  });
});

describe('C22: a tenant whose loaders hang', () => {
  it.each([
    ['while the backend answers', () => memory()],
    ['while it does not', () => chaos(memory(), { operations: { read: { throwRate: 1 } } })],
  ])('delays nobody else, %s', async (_, backend) => {
    const rig = new Rig({ backend: backend(), limits: { maxOutageLoads: 5 } });
    for (let at = 0; at < 200; at++) void rig.load(at, () => new Promise(() => undefined));
    await rig.clock.settle();
    const before = rig.clock.monotonicMs();
    expect(await rig.load('tom', () => 'Tom', { tenant: 'beta' })).toBe('Tom');
    expect(rig.clock.monotonicMs()).toBe(before);
  });
});

describe('a tag that is none', () => {
  it.each([
    ['while the backend answers', () => memory()],
    ['while it does not', () => chaos(memory(), { operations: { read: { throwRate: 1 } } })],
  ])('is refused before the loader runs, %s', async (_, backend) => {
    const rig = new Rig({ backend: backend() });
    const load = jest.fn(() => 'Tom');
    // Made by a function of the arguments, as those of decorated methods are: looked at when they are needed.
    const tags = (() => ['']) as unknown as string[];
    const call = async (): Promise<unknown> => rig.load('tom', load, { tags });
    await expect(call()).rejects.toThrow(TagInvalidError);
    expect(load).not.toHaveBeenCalled();
  });
});

describe('C31: what one tenant has stored', () => {
  it('is no hit for another, whatever he asks and however often: his own loader runs, and the same work is done', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    await rig.load('known', () => 'acme’s');
    const workOf = async (name: string): Promise<number> => {
      const before = backend.calls();
      expect(await rig.load(name, () => 'own', { tenant: 'beta' })).toBe('own');
      return backend.calls() - before;
    };
    expect(await workOf('known')).toBe(await workOf('unknown'));
    const { misses, hits } = rig.space({ tenant: 'beta' }).stats;
    expect({ misses, hits }).toEqual({ misses: 2, hits: 0 });
  });
});
