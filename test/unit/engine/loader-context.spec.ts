import { describe, expect, it } from '@jest/globals';
import { NothingToRenewError, TagInvalidError } from '../../../lib/core/errors.js';
import type { Loader } from '../../../lib/engine/loader.js';
import { Rig, type Options } from '../../support/machine/rig.js';

describe('what a loader is told', () => {
  it('the scope of the key: a tenant loader sees no user, whoever asked; a global loader sees nobody', async () => {
    const rig = new Rig();
    const seen: unknown[] = [];
    await rig.as({ tenant: 'acme', user: 'ann' }, async () => {
      for (const place of [{ width: 'global' as const }, {}, { user: 'ann' }]) {
        await rig.load(
          'tom',
          ({ scope }) => {
            seen.push({ ...scope }, { ...rig.machine.context.scope() });
            return 1;
          },
          place,
        );
      }
    });
    const nobody = { tenant: undefined, user: undefined };
    const tenant = { tenant: 'acme', user: undefined };
    const user = { tenant: 'acme', user: 'ann' };
    expect(seen).toEqual([nobody, nobody, tenant, tenant, user, user]);
  });

  it('the value from before, as a copy of its own, while it is kept', async () => {
    const rig = new Rig();
    const options: Options = { ttl: '1m', staleIfError: '1m' };
    const seen: unknown[] = [];
    const loader = (context: { readonly previous: unknown }): { n: number } => {
      const previous = context.previous as { n: number } | undefined;
      seen.push(previous && { ...previous });
      if (previous !== undefined) previous.n = 666;
      return { n: seen.length };
    };
    await rig.load('tom', loader, options);
    await rig.clock.advance(60_000);
    await rig.load('tom', loader, options);
    await rig.clock.advance(120_000);
    await rig.load('tom', loader, options);
    expect(seen).toEqual([undefined, { n: 1 }, undefined]);
  });
});

describe('what a loader may say', () => {
  it('everything it is handed may be taken apart', async () => {
    const rig = new Rig();
    await rig.load('tom', ({ tag, ttl }) => {
      tag('a', 'b');
      tag('c');
      ttl('5s');
      return 'Tom';
    });
    expect(await rig.machine.engine.ttlMs(rig.key('tom'), rig.policy())).toBe(5_000);
    await rig.invalidateTag('c');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('skip: the result is returned and not stored', async () => {
    const rig = new Rig();
    expect(await rig.load('tom', ({ skip }) => (skip(), 'Tom'))).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'skipped' }]);
  });

  it('ttl(null): no expiry', async () => {
    const rig = new Rig();
    await rig.load('tom', ({ ttl }) => (ttl(null), 'Tom'));
    expect(await rig.machine.engine.ttlMs(rig.key('tom'), rig.policy())).toBeNull();
  });

  it('a tag that is none fails the loader that said it', async () => {
    const rig = new Rig();
    await expect(rig.load('tom', ({ tag }) => (tag(''), 1))).rejects.toThrow(TagInvalidError);
  });

  it('tags said by the loader count from the lease on: one invalidated during the load refuses the fill', async () => {
    const rig = new Rig();
    const call = rig.load('tom', async ({ tag }) => {
      await rig.clock.sleep(10);
      tag('litter');
      return 'Tom';
    });
    await rig.clock.settle();
    await rig.invalidateTag('litter');
    await rig.clock.advance(10);
    expect(await call).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('notModified keeps the previous value and begins its ttl anew', async () => {
    const rig = new Rig();
    const options: Options = { ttl: '1m', staleIfError: '1h' };
    await rig.load('tom', () => ({ name: 'Tom' }), options);
    await rig.clock.advance(90_000);
    expect(await rig.load('tom', ({ notModified }) => notModified(), options)).toEqual({ name: 'Tom' });
    await rig.clock.advance(59_999);
    expect(await rig.get('tom')).toEqual({ name: 'Tom' });
    await rig.clock.advance(1);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('notModified keeps the tags too, those that were said and those of what was read inside', async () => {
    const options: Options = { ttl: '1m', staleIfError: '1h' };
    for (const tag of ['litter', 'parents']) {
      const rig = new Rig();
      const first: Loader<string> = async (context) => {
        context.tag('litter');
        return rig.load('mother', () => 'Kit', { tags: ['parents'] });
      };
      await rig.load('tom', first, options);
      for (let time = 0; time < 2; time++) {
        await rig.clock.advance(60_000);
        expect(await rig.load('tom', ({ notModified }) => notModified(), options)).toBe('Kit');
      }
      await rig.invalidateTag(tag);
      expect(await rig.get('tom')).toBeUndefined();
      expect(await rig.load('tom', ({ previous }) => `not ${String(previous)}`, options)).toBe('not undefined');
    }
  });

  it('a tag of before that is invalidated while notModified is on its way refuses the fill', async () => {
    const rig = new Rig();
    const options: Options = { ttl: '1m', staleIfError: '1h' };
    await rig.load('tom', ({ tag }) => (tag('litter'), 'Tom'), options);
    await rig.clock.advance(60_000);
    const call = rig.load('tom', async ({ notModified }) => (await rig.clock.sleep(10), notModified()), options);
    await rig.clock.settle();
    await rig.invalidateTag('litter');
    await rig.clock.advance(10);
    await call;
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('notModified without a previous value is an error of the loader', async () => {
    const rig = new Rig();
    await expect(rig.load('tom', ({ notModified }) => notModified())).rejects.toThrow(NothingToRenewError);
  });
});

describe('rules that look at the result', () => {
  it('unless: true keeps a result from being stored', async () => {
    const rig = new Rig();
    const rules = { unless: (result: unknown) => result === 'draft' };
    expect(await rig.load('tom', () => 'draft', { rules })).toBe('draft');
    expect(await rig.get('tom')).toBeUndefined();
    await rig.load('tom', () => 'final', { rules });
    expect(await rig.get('tom')).toBe('final');
  });

  it('tags that come with the result are tags', async () => {
    const rig = new Rig();
    const rules = { tags: (result: unknown) => [`owner:${(result as { owner: string }).owner}`] };
    await rig.load('tom', () => ({ owner: 'ann' }), { rules, tags: ['pets'] });
    await rig.load('kit', () => ({ owner: 'bob' }), { rules, tags: ['pets'] });
    await rig.invalidateTag('owner:ann');
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.get('kit')).toEqual({ owner: 'bob' });
    await rig.invalidateTag('pets');
    expect(await rig.get('kit')).toBeUndefined();
  });

  it.each([
    ['unless', { unless: () => thrower() }],
    ['tags', { tags: () => thrower() }],
    ['tags that are none', { tags: () => [''] }],
  ])('a rule that fails (%s) costs the storing and not the result', async (_, rules) => {
    const rig = new Rig();
    expect(await rig.load('tom', () => 'Tom', { rules })).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'rule' }]);
    // The lease was given back: the next caller does not wait.
    expect(await rig.load('tom', () => 'again')).toBe('again');
  });

  it('many tags on one result cost neither the result nor the storing', async () => {
    const rig = new Rig();
    const tags = Array.from({ length: 33 }, (_, index) => `t${index}`);
    expect(await rig.load('tom', () => 'Tom', { rules: { tags: () => tags } })).toBe('Tom');
    expect(await rig.get('tom')).toBe('Tom');
  });
});

function thrower(): never {
  throw new Error('a rule of the application failed');
}
