import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { InvalidationUnknownError } from '../../../lib/core/errors.js';
import type { Loader } from '../../../lib/engine/loader.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { shared } from '../../support/machine/backends.js';
import { Rig, Source, type Options } from '../../support/machine/rig.js';
import { Query } from '../../support/queries/query.js';

const BACKENDS = [
  ['memory', () => memory()],
  ['a backend that answers asynchronously', () => chaos(memory())],
] as const;

describe.each(BACKENDS)('a put on %s', (_, backend) => {
  it('always runs its method, and stores what it returns in place of what was there', async () => {
    const rig = new Rig({ backend: backend() });
    await rig.set('tom', 'old');
    expect(await rig.put('tom', () => 'new')).toBe('new');
    expect(await rig.get('tom')).toBe('new');
    expect(await rig.put('tom', async () => 'newer')).toBe('newer');
    expect(await rig.get('tom')).toBe('newer');
  });

  it('a method that fails leaves the entry as it is, passes its error on, and keeps nobody waiting', async () => {
    const rig = new Rig({ backend: backend() });
    await rig.set('tom', 'old');
    const error = Object.freeze(new Error('not today'));
    for (const method of [() => Promise.reject(error), () => thrower(error)]) {
      await expect(rig.put('tom', method)).rejects.toBe(error);
    }
    expect(await rig.get('tom')).toBe('old');
    await rig.evict('tom');
    expect(await rig.load('tom', () => 'new')).toBe('new');
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('a load that began before the method does not overwrite its result', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const load = rig.load('tom', source.load);
    await rig.clock.settle();
    await rig.put('tom', () => 'put');
    source.answer(0, 'loaded before');
    expect(await load).toBe('loaded before');
    expect(await rig.get('tom')).toBe('put');
  });

  it('an invalidation during the method wins over its result', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const options: Options = { tags: ['pets'] };
    for (const act of [() => rig.evict('tom'), () => rig.invalidateTag('pets'), () => rig.clear()]) {
      await rig.set('tom', 'old', options);
      const put = rig.put('tom', source.load, options);
      await rig.clock.settle();
      await act();
      source.answer(source.calls.length - 1, 'put');
      expect(await put).toBe('put');
      expect(await rig.get('tom')).toBeUndefined();
    }
  });

  it('of two puts at once the one whose result is not stored removes what the other stored: nobody knows whose came last', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const [first, second] = [rig.put('tom', source.load), rig.put('tom', source.load)];
    await rig.clock.settle();
    source.answer(1, 'second');
    expect(await second).toBe('second');
    expect(await rig.get('tom')).toBe('second');
    source.answer(0, 'first');
    expect(await first).toBe('first');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('a result that came with a tag invalidated meanwhile takes the old entry with it, which never had that tag', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    await rig.set('tom', 'old', { tags: ['before'] });
    const put = rig.put('tom', source.load, { rules: { tags: () => ['after'] } });
    await rig.clock.settle();
    await rig.invalidateTag('after');
    source.answer(0, 'put');
    await put;
    expect(await rig.get('tom')).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a value that cannot be stored', () => 1],
    ['a value beyond the limit', 'x'.repeat(5_000)],
  ])('%s is returned, and the old entry is removed', async (_name, value) => {
    const rig = new Rig({ backend: backend(), limits: { maxValueBytes: 1_000 } });
    await rig.set('tom', 'old');
    expect(await rig.put('tom', () => value)).toBe(value);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('unless: a result that is not to be stored leaves the old entry', async () => {
    const rig = new Rig({ backend: backend() });
    await rig.set('tom', 'old');
    await rig.put('tom', () => 'draft', { rules: { unless: () => true } });
    expect(await rig.get('tom')).toBe('old');
  });
});

describe('a put and what happens inside its method', () => {
  it('may look at the entry it is about to replace, whether it is there or not', async () => {
    const rig = new Rig();
    const update = async (): Promise<string> => `${String(await rig.load('tom', () => 'from the source'))} + 1`;
    expect(await rig.put('tom', update)).toBe('from the source + 1');
    expect(await rig.get('tom')).toBe('from the source + 1');
    expect(await rig.put('tom', update)).toBe('from the source + 1 + 1');
    expect(rig.clock.pendingTimers).toBe(0);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['inside-put']);
  });

  it('also through a load of another key, which is stored', async () => {
    const rig = new Rig();
    const list = (): Promise<unknown> => rig.load('list', async () => [await rig.load('tom', () => 'Tom')]);
    await rig.put('tom', async () => (await list()) && 'new');
    expect(await rig.get('tom')).toBe('new');
    expect(await rig.get('list')).toEqual(['Tom']);
  });

  it.each([
    ['a tenant’s', { width: 'tenant' }, { tenant: 'acme', user: undefined }],
    ['another tenant’s', { tenant: 'globex' }, { tenant: 'globex', user: undefined }],
    ['everybody’s', { width: 'global' }, { tenant: undefined, user: undefined }],
    ['the caller’s own', { user: 'ann' }, { tenant: 'acme', user: 'ann' }],
  ] as const)('runs in the scope of its key, %s, whoever called', async (_, place, expected) => {
    for (const isEnabled of [true, false]) {
      const rig = new Rig({ isEnabled });
      const scope = (): object => ({ ...rig.machine.context.scope() });
      const put = (method: () => object): Promise<unknown> =>
        rig.as({ tenant: 'acme', user: 'ann' }, () => rig.put('tom', method, place));
      expect(await put(scope)).toEqual(expected);
      expect(await put(() => new Query(scope))).toEqual(expected);
    }
  });

  it('what it read of a narrower scope is returned and not stored where others would see it', async () => {
    const rig = new Rig();
    await rig.set('mine', 'secret', { user: 'ann' });
    await rig.set('shared', 'old');
    const ids = { tenant: 'acme', user: 'ann' };
    expect(await rig.as(ids, () => rig.put('shared', () => rig.get('mine', { user: 'ann' })))).toBe('secret');
    expect(await rig.get('shared')).toBeUndefined();
    expect(rig.recorded.of('scope-leak')).toHaveLength(1);
  });

  it('takes over the tags of what it read', async () => {
    const rig = new Rig();
    await rig.set('part', 1, { tags: ['litter'] });
    await rig.put('whole', () => rig.get('part'));
    await rig.invalidateTag('litter');
    expect(await rig.get('whole')).toBeUndefined();
  });

  it('also of what it read where its own result is to stand, although there was nothing yet', async () => {
    const rig = new Rig();
    const ways: [string, Loader<string>, Options][] = [
      ['said', ({ tag }) => (tag('litter'), 'Tom'), {}],
      ['of the result', () => 'Tom', { rules: { tags: () => ['litter'] } }],
      ['of what was read inside', () => rig.load('mother', () => 'Kit', { tags: ['litter'] }), {}],
    ];
    for (const [name, loader, options] of ways) {
      await rig.put(name, () => rig.load(name, loader, options));
      expect([name, await rig.get(name)]).toEqual([name, expect.any(String)]);
    }
    await rig.invalidateTag('litter');
    for (const [name] of ways) expect([name, await rig.get(name)]).toEqual([name, undefined]);
  });

  it('and is stored although what it read there has no tags: nobody asks what would not be stored for them', async () => {
    const rig = new Rig();
    const rules = {
      unless: (value: unknown) => value === null,
      tags: (value: unknown) => [(value as { id: string }).id],
    };
    for (const nothing of [undefined, null]) {
      await rig.put('tom', async () => (await rig.load('tom', () => nothing, { rules })) ?? 'new');
      expect(await rig.get('tom')).toBe('new');
      await rig.evict('tom');
    }
    await rig.put('tom', async () => (await rig.load('tom', () => 'no id', { rules })) && 'new');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('and does not outlive what was read inside of that', async () => {
    const rig = new Rig();
    const inner = (): Promise<string> => rig.load('mother', () => 'Kit', { ttl: '5s' });
    await rig.put('tom', () => rig.load('tom', inner), { ttl: '1m' });
    await rig.clock.advance(4_999);
    expect(await rig.get('tom')).toBe('Kit');
    await rig.clock.advance(1);
    expect(await rig.get('tom')).toBeUndefined();
  });
});

describe('a put that takes long', () => {
  it('keeps its lease alive, and readers of an empty key wait for it', async () => {
    const rig = new Rig({ backend: shared(chaos(memory())), limits: { lease: '3s', maxWait: '1m' } });
    const source = new Source();
    const put = rig.put('tom', source.load);
    const reader = rig.load('tom', () => 'loaded meanwhile');
    await rig.clock.advance(20_000);
    source.answer(0, 'put');
    expect(await put).toBe('put');
    await rig.clock.advance(200);
    expect(await reader).toBe('put');
  });

  it('and longer than a load may take: its result is not stored, and what was there is removed', async () => {
    const rig = new Rig({ limits: { maxLoad: '5s' } });
    await rig.set('tom', 'old');
    const source = new Source();
    const put = rig.put('tom', source.load);
    await rig.clock.advance(6_000);
    source.answer(0, 'put');
    expect(await put).toBe('put');
    expect(await rig.get('tom')).toBeUndefined();
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'loader-too-long' }]);
  });
});

describe('a put while the backend fails', () => {
  it('without a lease the method runs, and the old entry is removed', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    await rig.set('tom', 'old');
    backend.failNext('lease');
    expect(await rig.put('tom', () => 'new')).toBe('new');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('without a fill the old entry is removed', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    await rig.set('tom', 'old');
    backend.failNext('fill');
    expect(await rig.put('tom', () => 'new')).toBe('new');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('when neither storing nor removing could be confirmed, it says so', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    await rig.set('tom', 'old');
    backend.break();
    let hasRun = false;
    await expect(rig.put('tom', () => ((hasRun = true), 'new'))).rejects.toThrow(InvalidationUnknownError);
    expect(hasRun).toBe(true);
  });
});

function thrower(error: Error): never {
  throw error;
}
