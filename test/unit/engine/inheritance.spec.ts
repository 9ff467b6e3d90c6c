/** What is made of what was read inside, where the load inside brought no entry of its own. */
import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { LoaderContext } from '../../../lib/engine/loader.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source, type Options } from '../../support/machine/rig.js';

async function freshForMs(rig: Rig, name: string, options: Options = {}): Promise<number | null | undefined> {
  return rig.machine.engine.ttlMs(rig.key(name, options), rig.policy(options));
}

/** A list that others look into, of which the source of truth is elsewhere. */
async function withList(): Promise<Rig> {
  const rig = new Rig();
  await rig.set('list', ['Tom'], { tags: ['list'], ttl: '1m' });
  return rig;
}

describe('an inner loader whose result is not stored', () => {
  it('hands on what it read when it found nothing: that was said by what it read', async () => {
    const rig = await withList();
    const find = async (): Promise<unknown> => ((await rig.get('list')) as string[]).find((name) => name === 'Kitty');
    await rig.load('outer', async () => (await rig.load('inner', find, { ttl: '1h' })) ?? 'nobody');
    expect(await freshForMs(rig, 'outer')).toBe(60_000);
    await rig.invalidateTag('list');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('hands on the tags that it said itself when it found nothing', async () => {
    const rig = new Rig();
    const find = ({ tag }: LoaderContext): unknown => tag('cat:1');
    await rig.load('outer', async () => (await rig.load('inner', find)) ?? 'nobody');
    await rig.invalidateTag('cat:1');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('hands on its tags when they are more than an entry can carry: the outer one cannot carry them either', async () => {
    const rig = new Rig();
    const anns: Options = { user: 'ann' };
    const lists = ['a', 'b', 'c'];
    for (const list of lists) {
      const tags = Array.from({ length: 32 }, (_, tag) => `${list}${tag}`);
      await rig.set(list, 1, { ...anns, tags });
    }
    const read = (): Promise<unknown> => Promise.all(lists.map((list) => rig.get(list, anns)));
    await rig.load('outer', () => rig.load('inner', read, anns), anns);
    await rig.invalidateTag('a0');
    expect(await rig.get('outer', anns)).toBeUndefined();
  });

  it('hands on that nothing is to be stored, also when it found nothing', async () => {
    const rig = new Rig();
    const skipped = (): Promise<unknown> => rig.load('inner', ({ skip }) => skip());
    expect(await rig.load('outer', async () => (await skipped()) ?? 'degraded')).toBe('degraded');
    expect(await rig.get('outer')).toBeUndefined();
  });
});

describe('an inner load that fails', () => {
  const failing = (rig: Rig) => async (): Promise<never> => {
    await rig.get('list');
    throw new Error('not found');
  };

  it('hands on what it read and its tags: who catches the error makes something of it', async () => {
    for (const tag of ['list', 'cat:1']) {
      const rig = await withList();
      const inner = (): Promise<unknown> => rig.load('inner', failing(rig), { tags: ['cat:1'] });
      await rig.load('outer', () => inner().catch(() => 'nobody'), { ttl: '1h' });
      expect(await freshForMs(rig, 'outer')).toBe(60_000);
      await rig.invalidateTag(tag);
      expect(await rig.get('outer')).toBeUndefined();
    }
  });

  it('also to who joined it', async () => {
    const rig = await withList();
    const source = new Source();
    const find = async (): Promise<unknown> => [await rig.get('list'), await source.load()];
    const first = rig.load('inner', find).catch(() => 'nobody');
    await rig.clock.settle();
    const outer = rig.load('outer', () => rig.load('inner', find).catch(() => 'nobody'));
    await rig.clock.settle();
    source.fail(0, new Error('not found'));
    expect(await Promise.all([first, outer])).toEqual(['nobody', 'nobody']);
    await rig.invalidateTag('list');
    expect(await rig.get('outer')).toBeUndefined();
  });
});

describe('a put inside a load', () => {
  it('hands on what its method read, its tags and its ttl', async () => {
    for (const tag of ['list', 'cat:1']) {
      const rig = await withList();
      const count = async (): Promise<unknown> => ((await rig.get('list')) as string[]).length;
      await rig.load('outer', () => rig.put('count', count, { tags: ['cat:1'], ttl: '5s' }), { ttl: '1h' });
      expect(await freshForMs(rig, 'outer')).toBe(5_000);
      await rig.invalidateTag(tag);
      expect(await rig.get('outer')).toBeUndefined();
    }
  });

  it('hands on what its method read also when it fails', async () => {
    const rig = await withList();
    const fail = async (): Promise<never> => {
      await rig.get('list');
      throw new Error('not today');
    };
    await rig.load('outer', () => rig.put('count', fail).catch(() => 'nobody'));
    await rig.invalidateTag('list');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('without a lease nothing is stored around it, as nothing was stored of it', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const put = (): Promise<unknown> => {
      backend.failNext('lease');
      return rig.put('count', () => 1);
    };
    expect(await rig.load('outer', put)).toBe(1);
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('of what fewer people may see is not stored where others would see it', async () => {
    const rig = new Rig();
    const everybodys: Options = { width: 'global', namespace: 'leaky' };
    expect(await rig.load('outer', () => rig.put('own', () => 'secret'), everybodys)).toBe('secret');
    expect(await rig.get('outer', everybodys)).toBeUndefined();
    expect(rig.recorded.of('scope-leak')).toMatchObject([{ namespace: 'leaky', innerNamespace: 'cats' }]);
  });
});

describe('a question about an entry', () => {
  it.each<[string, (rig: Rig) => Promise<unknown>]>([
    ['whether it is there', (rig) => rig.machine.engine.has(rig.key('list'), rig.policy())],
    ['how long it will be', (rig) => rig.machine.engine.ttlMs(rig.key('list'), rig.policy())],
  ])('%s is answered until the entry is gone', async (_, ask) => {
    const rig = await withList();
    await rig.load('outer', () => ask(rig), { ttl: '1h' });
    expect(await freshForMs(rig, 'outer')).toBe(60_000);
    await rig.invalidateTag('list');
    expect(await rig.get('outer')).toBeUndefined();
  });
});
