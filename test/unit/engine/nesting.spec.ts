import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source, type Options } from '../../support/machine/rig.js';

async function freshForMs(rig: Rig, name: string, options: Options = {}): Promise<number | null | undefined> {
  return rig.machine.engine.ttlMs(rig.key(name, options), rig.policy(options));
}

describe('what an outer entry inherits from what its loader reads', () => {
  it.each([
    ['loaded inside', async () => undefined],
    ['found in the cache', async (rig: Rig) => rig.load('inner', () => 1, { tags: ['litter'], ttl: '5s' })],
  ])('tags and the soonest end, when the inner entry was %s', async (_, before) => {
    const rig = new Rig();
    await before(rig);
    await rig.load('outer', () => rig.load('inner', () => 1, { tags: ['litter'], ttl: '5s' }), { ttl: '1h' });
    expect(await freshForMs(rig, 'outer')).toBe(5_000);
    await rig.invalidateTag('litter');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('through several layers, and from every verb that reads', async () => {
    const rig = new Rig();
    await rig.set('a', 1, { tags: ['from a'], ttl: '1m' });
    await rig.set('b', 1, { tags: ['from b'], ttl: '2m' });
    const read = async (): Promise<unknown> => {
      const frame = rig.machine.context.current();
      await rig.machine.engine.getMany([{ key: rig.key('b'), policy: rig.policy(), frame }]);
      return rig.get('a');
    };
    await rig.load('top', () => rig.load('middle', read, { ttl: '1h' }), { ttl: '1d' });
    expect(await freshForMs(rig, 'top')).toBe(60_000);
    await rig.invalidateTag('from b');
    expect(await rig.get('top')).toBeUndefined();
    expect(await rig.get('middle')).toBeUndefined();
  });

  it('an inner invalidation during the outer load refuses the outer fill', async () => {
    const rig = new Rig();
    const source = new Source();
    const call = rig.load('outer', async () => {
      await rig.load('inner', () => 1, { tags: ['litter'] });
      return source.load();
    });
    await rig.clock.settle();
    await rig.invalidateTag('litter');
    source.answer(0, 'outer');
    expect(await call).toBe('outer');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('a tag means nothing in another partition: everybody’s tag is not taken over by a tenant’s entry', async () => {
    const rig = new Rig();
    await rig.load('outer', () => rig.load('rates', () => 1, { width: 'global', tags: ['same name'] }));
    await rig.invalidateTag('same name');
    expect(await rig.get('outer')).toBe(1);
  });

  it('what the inner loader refused to have stored is not stored around it either', async () => {
    const rig = new Rig();
    const skipped = (): Promise<unknown> => rig.load('inner', ({ skip }) => (skip(), 'degraded'));
    expect(await rig.load('outer', skipped)).toBe('degraded');
    expect(await rig.get('outer')).toBeUndefined();
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['skipped', 'inner-expired']);
  });

  it('an inner result that only has no shape to be stored in does not keep the outer one from being stored', async () => {
    const rig = new Rig();
    await rig.load('outer', async () => (await rig.load('inner', () => undefined, { ttl: '5s' })) ?? 'nobody', {
      ttl: '1h',
    });
    expect(await rig.get('outer')).toBe('nobody');
    expect(await freshForMs(rig, 'outer')).toBe(5_000);
  });

  it('what was read stale inside is not kept for longer outside', async () => {
    const rig = new Rig();
    const inner: Options = { ttl: '1m', staleWhileRevalidate: '1h' };
    await rig.load('inner', () => 'old', inner);
    await rig.clock.advance(60_000);
    expect(await rig.load('outer', () => rig.load('inner', () => 'new', inner))).toBe('old');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('during an outage nothing is stored around what was not stored', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const call = rig.load('outer', () => {
      backend.failNext('read');
      return rig.load('inner', () => 'inner');
    });
    expect(await call).toBe('inner');
    expect(await rig.get('outer')).toBeUndefined();
  });
});

describe('a loader that reads what fewer people may see than its own entry', () => {
  const asAnn = { tenant: 'acme', user: 'ann' };
  const asBeta = { tenant: 'beta', user: 'bob' };

  it.each<[string, Options, Options]>([
    ['a global loader reads a tenant’s entry', { width: 'global' }, {}],
    ['a global loader reads a user’s entry', { width: 'global' }, { user: 'ann' }],
    ['a tenant’s loader reads a user’s entry', {}, { user: 'ann' }],
    ['a tenant’s loader reads another tenant’s entry', {}, { tenant: 'beta' }],
    ['a user’s loader reads another user’s entry', { user: 'bob' }, { user: 'ann' }],
  ])('%s: the result is returned, not stored, and told', async (_, outer, inner) => {
    const rig = new Rig();
    await rig.load('inner', () => 'secret', inner);
    const read = (): Promise<unknown> =>
      rig.as(inner.tenant === 'beta' ? asBeta : asAnn, () => rig.get('inner', inner));
    expect(await rig.load('outer', read, { ...outer, namespace: 'leaky' })).toBe('secret');
    expect(await rig.get('outer', { ...outer, namespace: 'leaky' })).toBeUndefined();
    expect(rig.recorded.of('scope-leak')).toMatchObject([{ namespace: 'leaky', innerNamespace: 'cats' }]);
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'tainted' }]);
    expect(rig.recorded.of('warning')).toHaveLength(1);
  });

  it.each<[string, Options, Options]>([
    ['a user’s loader may read the tenant’s and everybody’s', { user: 'ann' }, {}],
    ['a user’s loader may read its own', { user: 'ann' }, { user: 'ann', namespace: 'dogs' }],
    ['a tenant’s loader may read everybody’s', {}, { width: 'global' }],
  ])('%s', async (_, outer, inner) => {
    const rig = new Rig();
    await rig.load('outer', () => rig.load('inner', () => 'fine', inner), outer);
    expect(await rig.get('outer', outer)).toBe('fine');
    expect(rig.recorded.of('scope-leak')).toEqual([]);
  });

  it.each<[string, (rig: Rig, inner: Options) => Promise<unknown>]>([
    ['a load', (rig, inner) => rig.load('inner', () => 'secret', inner)],
    ['a miss', (rig, inner) => rig.get('absent', inner)],
    ['a question whether it is there', (rig, inner) => rig.machine.engine.has(rig.key('inner', inner), rig.policy())],
    ['its ttl', (rig, inner) => rig.machine.engine.ttlMs(rig.key('inner', inner), rig.policy())],
    ['a count', (rig, inner) => rig.machine.engine.writes.increment(rig.key('calls', inner), 1, rig.policy())],
    [
      'many reads',
      (rig, inner) => {
        const frame = rig.machine.context.current();
        return rig.machine.engine.getMany([{ key: rig.key('inner', inner), policy: rig.policy(), frame }]);
      },
    ],
  ])('%s is enough', async (_, read) => {
    const rig = new Rig();
    const inner: Options = { user: 'ann' };
    await rig.load('outer', async () => [await rig.as(asAnn, () => read(rig, inner))], { width: 'global' });
    expect(await rig.get('outer', { width: 'global' })).toBeUndefined();
    expect(rig.recorded.of('scope-leak')).toHaveLength(1);
  });

  it('every load around it is tainted too, however deep it happens', async () => {
    const rig = new Rig();
    const innermost = (): Promise<unknown> => rig.as(asAnn, () => rig.load('mine', () => 'secret', { user: 'ann' }));
    const middle = (): Promise<unknown> => rig.load('shared', innermost, {});
    await rig.load('everybody', () => rig.as(asAnn, middle), { width: 'global' });
    expect(await rig.get('mine', { user: 'ann' })).toBe('secret');
    expect(await rig.get('shared')).toBeUndefined();
    expect(await rig.get('everybody', { width: 'global' })).toBeUndefined();
  });

  it('also when what lies between is no narrower than the outermost: who joins that one loads by itself too', async () => {
    const rig = new Rig();
    const source = new Source();
    const everybodys: Options = { width: 'global' };
    const outer = (ids: typeof asAnn): Promise<unknown> => {
      const own = (): Promise<unknown> =>
        rig.as(ids, () => rig.load('mine', () => `secret of ${ids.tenant}`, { tenant: ids.tenant }));
      const middle = (): Promise<unknown> => rig.load(['middle', ids.tenant], own, everybodys);
      return rig.load('outer', async () => [await middle(), await source.load()][0], everybodys);
    };
    const calls = [outer(asAnn), outer(asBeta)];
    await rig.clock.settle();
    source.answer(0, undefined);
    await rig.clock.settle();
    source.answer(1, undefined);
    expect(await Promise.all(calls)).toEqual(['secret of acme', 'secret of beta']);
    expect(await rig.get('outer', everybodys)).toBeUndefined();
    expect(rig.recorded.of('refused').every(({ reason }) => reason === 'tainted')).toBe(true);
  });

  it('who joins such a load gets neither its value nor its error, but loads by itself', async () => {
    const rig = new Rig();
    const source = new Source();
    // What everybody would share, made of what one tenant has: a mistake, and the cache must not spread it.
    const leaky = (ids: typeof asAnn) => async (): Promise<unknown> => {
      const own = await rig.as(ids, () => rig.load('mine', () => `secret of ${ids.tenant}`, { tenant: ids.tenant }));
      await source.load();
      return own;
    };
    const calls = [asAnn, asBeta, asBeta].map((ids) =>
      rig.as(ids, () => rig.load('shared', leaky(ids), { width: 'global' })),
    );
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, undefined);
    await rig.clock.settle();
    source.answer(1, undefined);
    source.answer(2, undefined);
    expect(await Promise.all(calls)).toEqual(['secret of acme', 'secret of beta', 'secret of beta']);

    const failing = (ids: typeof asAnn) => async (): Promise<unknown> => {
      throw new Error(String(await leaky(ids)()));
    };
    const ends = Promise.allSettled(
      [asAnn, asBeta].map((ids) => rig.as(ids, () => rig.load('failing', failing(ids), { width: 'global' }))),
    );
    await rig.clock.settle();
    source.answer(3, undefined);
    await rig.clock.settle();
    source.answer(4, undefined);
    const messages = (await ends).map((end) => ((end as PromiseRejectedResult).reason as Error).message);
    expect(messages).toEqual(['secret of acme', 'secret of beta']);
  });

  it('a load around one that joined a tainted one is tainted by its own reading', async () => {
    const rig = new Rig();
    const source = new Source();
    const shared = async (): Promise<unknown> => {
      await rig.as(asAnn, () => rig.load('mine', () => 'secret', { user: 'ann' }));
      return source.load();
    };
    const inner = rig.load('shared', shared);
    await rig.clock.settle();
    const outer = rig.load('outer', () => rig.load('shared', shared));
    await rig.clock.settle();
    source.answer(0, 'secret');
    await rig.clock.settle();
    source.answer(1, 'secret');
    expect(await Promise.all([inner, outer])).toEqual(['secret', 'secret']);
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('one tenant’s tainted result is never served to another', async () => {
    const rig = new Rig();
    const whoAmI = (): string => `${String(rig.machine.context.scope().tenant)}`;
    const leaky = (ids: typeof asAnn) => (): Promise<unknown> =>
      rig.as(ids, () => rig.load('me', whoAmI, { tenant: ids.tenant }));
    const [acme, beta] = await Promise.all(
      [asAnn, asBeta].map((ids) =>
        rig.as(ids, () => rig.load('who', leaky(ids), { width: 'global', namespace: ids.tenant })),
      ),
    );
    expect([acme, beta]).toEqual(['acme', 'beta']);
    const again = await rig.as(asBeta, () => rig.load('who', leaky(asBeta), { width: 'global', namespace: 'acme' }));
    expect(again).toBe('beta');
  });
});
