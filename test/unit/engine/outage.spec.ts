import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { BackendError, InvalidationUnknownError, UnserializableError } from '../../../lib/core/errors.js';
import { compileGlob } from '../../../lib/core/keys/glob.js';
import { chaos, ChaosError, type Chaos } from '../../../lib/testing/chaos.js';
import type { Operation } from '../../../lib/testing/chaos.options.js';
import { shared } from '../../support/machine/backends.js';
import { Rig, Source, type Options } from '../../support/machine/rig.js';

function brokenAt(...operations: Operation[]): { rig: Rig; backend: Chaos } {
  const backend = chaos(memory());
  for (const operation of operations) backend.failNext(operation, 1_000);
  return { rig: new Rig({ backend }), backend };
}

describe('a read while the backend fails', () => {
  it.each<Operation>(['read', 'lease', 'fill', 'release'])(
    'is answered by the loader when %s fails',
    async (operation) => {
      const { rig } = brokenAt(operation);
      expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
      expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
      await expect(rig.load('kit', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
      expect(rig.clock.pendingTimers).toBe(0);
    },
  );

  it('is answered by the loader also where the request for a lease throws at once, instead of being rejected', async () => {
    const inner = memory();
    const backend: BackendFactory = {
      ...inner,
      create: (parts) =>
        Object.assign(inner.create(parts), {
          lease: () => {
            throw new Error('no such table');
          },
        }),
    };
    const rig = new Rig({ backend });
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
    expect(rig.recorded.of('error').map(({ operation }) => operation)).toEqual(['lease']);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['backend']);
    await expect(rig.load('tom', () => 'Tom', { failSilently: false })).rejects.toThrow(BackendError);
  });

  it.each<[Operation, string]>([
    ['read', 'read'],
    ['lease', 'lease'],
    ['fill', 'fill'],
  ])('says so: %s', async (operation, told) => {
    const { rig } = brokenAt(operation);
    await rig.load('tom', () => 'Tom');
    const errors = rig.recorded.of('error');
    expect(errors.map((event) => event.operation)).toEqual([told]);
    expect(errors[0]?.error).toBeInstanceOf(BackendError);
    expect(errors[0]?.error.cause).toBeInstanceOf(ChaosError);
    expect(rig.space().stats.errors).toBe(1);
  });

  it('counts each call once: as bypassed', async () => {
    const { rig } = brokenAt('lease');
    await Promise.all([rig.load('tom', () => 'Tom'), rig.load('kit', () => 'Kit')]);
    const { hits, misses, stale, bypasses } = rig.space().stats;
    expect({ hits, misses, stale, bypasses }).toEqual({ hits: 0, misses: 0, stale: 0, bypasses: 2 });
  });

  it('that throws in the face of the engine instead of rejecting is no different', async () => {
    const inner = memory();
    const rude = {
      kind: 'rude',
      create: (parts: Parameters<typeof inner.create>[0]) =>
        Object.assign(inner.create(parts), { read: thrower, lease: thrower }),
    };
    const rig = new Rig({ backend: rude });
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('with failSilently: false fails with CACHE_BACKEND, for every verb that reads', async () => {
    const { rig } = brokenAt('read', 'readMany');
    const loud: Options = { failSilently: false };
    const frame = rig.machine.context.current();
    for (const call of [
      () => rig.load('tom', () => 'Tom', loud),
      () => rig.get('tom', loud),
      () => rig.machine.engine.has(rig.key('tom'), rig.policy(loud)),
      () => rig.machine.engine.ttlMs(rig.key('tom'), rig.policy(loud)),
      () => rig.machine.engine.getMany([{ key: rig.key('tom'), policy: rig.policy(loud), frame }]),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'CACHE_BACKEND' });
    }
  });

  it('with failSilently: false fails too when the lease cannot be had', async () => {
    const { rig } = brokenAt('lease');
    await expect(rig.load('tom', () => 'Tom', { failSilently: false })).rejects.toThrow(BackendError);
  });

  it('finds nothing, for verbs without a loader', async () => {
    const { rig } = brokenAt('read', 'readMany');
    const frame = rig.machine.context.current();
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.machine.engine.has(rig.key('tom'), rig.policy())).toBe(false);
    expect(await rig.machine.engine.ttlMs(rig.key('tom'), rig.policy())).toBeUndefined();
    const calls = ['a', 'b'].map((name) => ({ key: rig.key(name), policy: rig.policy(), frame }));
    expect(await rig.machine.engine.getMany(calls)).toEqual([undefined, undefined]);
  });

  it('a listing fails loudly', async () => {
    const { rig } = brokenAt('scan');
    const selection = { view: rig.view(), match: compileGlob('*') };
    await expect(rig.machine.engine.scan(rig.space(), selection, undefined)).rejects.toThrow(BackendError);
  });
});

describe('loads without a lease', () => {
  it('are shared among the callers of one outage', async () => {
    const { rig } = brokenAt('read');
    const source = new Source();
    const calls = Array.from({ length: 20 }, () => rig.load('tom', source.load));
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, { name: 'Tom' });
    const values = await Promise.all(calls);
    expect(new Set(values).size).toBe(20);
    expect(values).toEqual(Array.from({ length: 20 }, () => ({ name: 'Tom' })));
  });

  it('that began before a caller came do not serve him: an invalidation elsewhere may lie between', async () => {
    const { rig } = brokenAt('read');
    const source = new Source();
    const early = rig.load('tom', source.load);
    await rig.clock.settle();
    const late = Array.from({ length: 20 }, () => rig.load('tom', source.load));
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'old');
    await rig.clock.settle();
    expect(source.calls).toHaveLength(2);
    source.answer(1, 'new');
    expect(await Promise.all([early, ...late])).toEqual(['old', ...late.map(() => 'new')]);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('do not serve him either when the backend failed only now and then', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const source = new Source();
    backend.failNext('read');
    const early = rig.load('tom', source.load);
    await rig.clock.settle();
    await rig.evict('tom');
    backend.failNext('lease');
    const late = rig.load('tom', source.load);
    await rig.clock.settle();
    source.answer(0, 'old');
    await rig.clock.settle();
    source.answer(1, 'new');
    expect(await Promise.all([early, late])).toEqual(['old', 'new']);
  });

  it('that hang are waited for no longer than maxWait', async () => {
    const rig = new Rig({
      backend: chaos(memory(), { operations: { read: { throwRate: 1 } } }),
      limits: { maxWait: '3s' },
    });
    const source = new Source();
    void rig.load('tom', source.load);
    await rig.clock.settle();
    const late = rig.load('tom', source.load);
    await rig.clock.advance(2_999);
    expect(source.calls).toHaveLength(1);
    await rig.clock.advance(1);
    source.answer(1, 'new');
    expect(await late).toBe('new');
  });

  it('that wait in a circle are an error, not a wait', async () => {
    const { rig } = brokenAt('read');
    const source = new Source();
    const both = async (mine: string, other: string): Promise<unknown> =>
      rig.load(mine, async () => {
        await source.load();
        return rig.load(other, () => both(other, mine));
      });
    const ends = Promise.allSettled([both('tom', 'kit'), both('kit', 'tom')]);
    await rig.clock.settle();
    source.answer(0, 1);
    source.answer(1, 2);
    const [one, other] = await ends;
    expect([one.status, other.status]).toContain('rejected');
    for (const end of [one, other]) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'CACHE_REENTRANT' });
    }
  });

  describe('are so many at once for each tenant', () => {
    const broken = (): Rig =>
      new Rig({
        backend: chaos(memory(), { operations: { read: { throwRate: 1 } } }),
        limits: { maxOutageLoads: 2, maxWait: '3s' },
      });

    it('others wait in line, and those of other tenants do not wait for them', async () => {
      const rig = broken();
      const source = new Source();
      const calls = ['a', 'b', 'c', 'd'].map((name) => rig.load(name, source.load));
      await rig.clock.settle();
      expect(source.calls).toHaveLength(2);
      expect(await rig.load('a', () => 'theirs', { tenant: 'beta' })).toBe('theirs');
      source.answer(1, 'B');
      await rig.clock.settle();
      expect(source.calls).toHaveLength(3);
      source.answer(0, 'A');
      await rig.clock.settle();
      source.answer(2, 'C');
      source.answer(3, 'D');
      expect(await Promise.all(calls)).toEqual(['A', 'B', 'C', 'D']);
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('who waits in line waits no longer than maxWait', async () => {
      const rig = broken();
      const source = new Source();
      const calls = ['a', 'b', 'c'].map((name) => rig.load(name, source.load));
      await rig.clock.advance(2_999);
      expect(source.calls).toHaveLength(2);
      await rig.clock.advance(1);
      source.answer(2, 'C');
      expect(await calls[2]).toBe('C');
    });

    it('a caller that joins one in line waits no longer than its own maxWait', async () => {
      const rig = broken();
      const source = new Source();
      const calls = ['a', 'b', 'c'].map((name) => rig.load(name, source.load));
      await rig.clock.advance(1_000);
      calls.push(rig.load('c', source.load, { maxWait: '500ms' }), rig.load('c', source.load, { maxWait: '1m' }));
      await rig.clock.advance(499);
      expect(source.calls).toHaveLength(2);
      await rig.clock.advance(1);
      source.answer(2, 'C');
      expect(await Promise.all(calls.slice(2))).toEqual(['C', 'C', 'C']);
      source.answer(0, 'A');
      source.answer(1, 'B');
      await Promise.all(calls);
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('a load inside a load has its turn already, also when it joins one that has not', async () => {
      const rig = broken();
      const source = new Source();
      const nested = (name: string): Promise<unknown> =>
        rig.load(name, async () => [await source.load(), await rig.load('inner', source.load)][1]);
      const calls = [nested('a'), nested('b'), rig.load('inner', source.load)];
      await rig.clock.settle();
      expect(source.calls).toHaveLength(2);
      source.answer(0, 'A');
      await rig.clock.settle();
      expect(source.calls).toHaveLength(3);
      source.answer(1, 'B');
      source.answer(2, 'inner');
      await rig.clock.settle();
      source.answer(3, 'inner');
      expect(await Promise.all(calls)).toEqual(['inner', 'inner', 'inner']);
    });
  });

  it('a failing loader is passed on, or covered by an old value where one was read before the outage', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const policy: Options = { ttl: '1m', staleIfError: '1h' };
    await rig.load('tom', () => 'old', policy);
    await rig.clock.advance(60_000);
    backend.failNext('lease');
    expect(await rig.load('tom', () => Promise.reject(new Error('all down')), policy)).toBe('old');
    backend.failNext('read');
    await expect(rig.load('tom', () => Promise.reject(new Error('all down')), policy)).rejects.toThrow('all down');
  });
});

describe('a fill while the backend fails', () => {
  it('whose reply was lost is a refusal for the caller, and its entry is valid all the same', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    backend.dropNext('fill');
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'backend' }]);
    expect(await rig.get('tom')).toBe('Tom');
  });

  it('gives the lease back, so that the next reader does not wait for it', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    backend.failNext('fill');
    await rig.load('tom', () => 'Tom');
    expect(await rig.load('tom', () => 'again')).toBe('again');
    expect(await rig.get('tom')).toBe('again');
  });
});

describe('a lease that cannot be given back', () => {
  it('does not keep the next reader of this process waiting', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    backend.failNext('release');
    await expect(rig.load('tom', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
    expect(await rig.get('tom')).toBe('Tom');
  });
});

describe('whatever changes what is stored fails loudly', () => {
  it.each<[Operation, (rig: Rig) => Promise<unknown>]>([
    ['evict', (rig) => rig.evict('tom')],
    ['invalidate', (rig) => rig.invalidateTag('pets')],
    ['clear', (rig) => rig.clear()],
    ['clearEverything', (rig) => rig.machine.engine.writes.clearEverything(rig.space())],
    ['removeMatching', (rig) => rig.removeMatching('*')],
  ])('%s: CACHE_INVALIDATION_UNKNOWN, since old entries may still be served', async (operation, act) => {
    const { rig, backend } = brokenAt();
    await rig.set('tom', 'Tom', { tags: ['pets'] });
    backend.failNext(operation);
    await expect(act(rig)).rejects.toThrow(InvalidationUnknownError);
    expect(rig.recorded.of('error')).toHaveLength(1);
    expect(await rig.get('tom')).toBe('Tom');
    await act(rig);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it.each<[Operation, (rig: Rig) => Promise<unknown>]>([
    ['write', (rig) => rig.set('tom', 'Tom')],
    ['expire', (rig) => rig.machine.engine.writes.expire(rig.key('tom'), 1_000, rig.policy())],
    ['increment', (rig) => rig.machine.engine.writes.increment(rig.key('calls'), 1, rig.policy())],
  ])('%s: CACHE_BACKEND', async (operation, act) => {
    const { rig } = brokenAt(operation);
    await expect(act(rig)).rejects.toMatchObject({ code: 'CACHE_BACKEND' });
  });

  it('an error of ours passes as it is', async () => {
    const rig = new Rig();
    await expect(rig.set('tom', () => 1)).rejects.toThrow(UnserializableError);
    await expect(rig.set('tom', undefined)).rejects.toThrow(UnserializableError);
    await rig.set('tom', 'text');
    await expect(rig.machine.engine.writes.increment(rig.key('tom'), 1, rig.policy())).rejects.toMatchObject({
      code: 'CACHE_NOT_A_COUNTER',
    });
  });
});

describe('waiting for another machine while the backend fails', () => {
  it('ends with the failure: the waiting callers load by themselves', async () => {
    const backend = shared(memory());
    const first = new Rig({ backend });
    const failing = chaos(backend);
    const second = new Rig({ backend: failing, clock: first.clock });
    const source = new Source();
    void first.load('tom', () => new Promise(() => undefined));
    const calls = Array.from({ length: 5 }, () => second.load('tom', source.load));
    await second.clock.settle();
    expect(source.calls).toHaveLength(0);
    failing.break();
    await second.clock.advance(100);
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'Tom');
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => 'Tom'));
  });
});

function thrower(): never {
  throw new Error('in the face');
}
