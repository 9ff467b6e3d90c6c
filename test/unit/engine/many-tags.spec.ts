/** More tags than an entry can carry: the value stays, and each of them still invalidates it. */
import { describe, expect, it } from '@jest/globals';
import { MAX_HEADER_BYTES } from '../../../lib/core/codec.js';
import { Loading } from '../../../lib/core/frame.js';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { Rig } from '../../support/machine/rig.js';

const tagsOf = (many: number, lead = 'tag '): string[] => Array.from({ length: many }, (_, at) => `${lead}${at}`);

/** The labels of what is stored. */
async function labelsOf(rig: Rig, name: unknown, options = {}): Promise<readonly string[]> {
  return (await rig.backend.read(rig.key(name, options))).entry?.labels ?? [];
}

describe.each([[{}], [{ user: 'ann' }]])('more tags than an entry can carry (%j)', (place) => {
  const ways: Readonly<Record<string, (rig: Rig, tags: string[]) => Promise<unknown>>> = {
    'a loader says': (rig, tags) =>
      rig.load(
        'x',
        ({ tag }) => {
          tag(...tags);
          return 'paid for';
        },
        place,
      ),
    'a loader says one by one': (rig, tags) =>
      rig.load(
        'x',
        ({ tag }) => {
          for (const each of tags) tag(each);
          return 'paid for';
        },
        place,
      ),
    'the result brings': (rig, tags) =>
      rig.load('x', () => 'paid for', { ...place, rules: { tags: () => tags } as never }),
    'the call brings': (rig, tags) => rig.load('x', () => 'paid for', { ...place, tags }),
    'a put brings': (rig, tags) => rig.put('x', () => 'paid for', { ...place, rules: { tags: () => tags } as never }),
    'set() brings': (rig, tags) => rig.set('x', 'paid for', { ...place, tags }),
    'an inner entry brings': async (rig, tags) => {
      await rig.load('inner', () => 'inside', { ...place, tags });
      return rig.load('x', async () => `paid for${(await rig.get('inner', place)) === 'inside' ? '' : '?'}`, {
        ...place,
        tags: tagsOf(30, 'own '),
      });
    },
  };

  it.each(Object.entries(ways))(
    'that %s: the value is returned and stored, and gone by any of them',
    async (_, store) => {
      for (const many of [33, 500]) {
        const tags = tagsOf(many);
        for (const tag of [tags[0]!, tags[32]!, tags.at(-1)!]) {
          const rig = new Rig();
          expect([undefined, 'paid for']).toContain(await store(rig, tags));
          expect(await rig.get('x', place)).toBe('paid for');
          await rig.invalidateTag(tag, place);
          expect(await rig.get('x', place)).toBeUndefined();
          expect(rig.recorded.types()).not.toContain('refused');
        }
      }
    },
  );

  it('fit into a header however long they are', async () => {
    const rig = new Rig();
    await rig.load('x', ({ tag }) => (tag(...tagsOf(300, '€'.repeat(80))), 1), place);
    const labels = await labelsOf(rig, 'x', place);
    expect(labels.length).toBeLessThanOrEqual(204);
    expect(labels.join('\n').length).toBeLessThan(MAX_HEADER_BYTES - 512);
  });

  it('may be ten thousand: those that nobody remembers invalidate it, too', async () => {
    const rig = new Rig();
    const tags = tagsOf(10_000);
    for (const tag of [tags[0]!, tags[9_999]!]) {
      expect(await rig.load('x', ({ tag: say }) => (say(...tags), 1), place)).toBe(1);
      expect(await rig.get('x', place)).toBe(1);
      await rig.invalidateTag(tag, place);
      expect(await rig.get('x', place)).toBeUndefined();
    }
  });
});

describe('tags that fit', () => {
  it('are kept by name: no other tag takes their entry with it', async () => {
    const rig = new Rig();
    await rig.set('x', 1, { tags: tagsOf(100) });
    expect((await labelsOf(rig, 'x')).filter((label) => label.startsWith('b:'))).toEqual([]);
    for (const tag of tagsOf(300, 'other ')) await rig.invalidateTag(tag);
    expect(await rig.get('x')).toBe(1);
  });

  it('of another tenant, or of a user beside, take nothing with them, however many there are', async () => {
    const rig = new Rig({ backend: memory() });
    await rig.set('x', 1, { tags: tagsOf(1_000) });
    for (const tag of tagsOf(300)) await rig.invalidateTag(tag, { tenant: 'globex' });
    expect(await rig.get('x')).toBe(1);
  });
});

describe('what a load takes over from others', () => {
  it('is bounded, and nothing of it is lost', () => {
    const { machine, ...rig } = new Rig();
    void rig;
    const keyFactory = machine.keyFactory;
    const space = keyFactory.space(machine.scopes.of({ tenant: 'acme' }), 'tenant', 'cats');
    const loading = new Loading(keyFactory.key(space, ['x'], undefined), undefined);
    for (let at = 0; at < 5_000; at++) loading.inherit(space, keyFactory.labelsOf(space, [`tag ${at}`]), Infinity);
    expect(loading.innerLabels?.size).toBeLessThanOrEqual(1_024 + 64);
  });
});
