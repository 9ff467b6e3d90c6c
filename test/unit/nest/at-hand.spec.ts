/** A hit in memory is served without a call being made for it. What has to hold for any hit holds for it: once for each. */
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cacheable, CacheConfig, memory, type BackendFactory, type CacheEvent } from '../../../lib/index.js';
import { FallbackBackend } from '../../../lib/backends/resilience/fallback.backend.js';
import { GuardedBackend } from '../../../lib/backends/resilience/guarded.backend.js';
import type { Foundation } from '../../../lib/assemble.js';
import type { AtHand, Backend } from '../../../lib/core/backend.js';
import type { Partition } from '../../../lib/core/keys/partition.js';
import { ChaosBackend } from '../../../lib/testing/chaos.backend.js';
import { chaos } from '../../../lib/testing.js';
import { closeAll, counter, start } from './support/start.js';

afterEach(closeAll);

const answer = counter();

@Injectable()
@CacheConfig({ namespace: 'rows', ttl: '1m', scope: 'tenant' })
class Rows {
  work: () => Promise<void> = () => Promise.resolve();

  @Cacheable({ tags: ['rows'] })
  async find(id: number): Promise<string> {
    return answer('row', id);
  }

  @Cacheable({ staleWhileRevalidate: '1m' })
  async old(id: number): Promise<string> {
    return answer('old', id);
  }

  @Cacheable({ earlyRefresh: 10 })
  async early(id: number): Promise<string> {
    await this.work();
    return answer('early', id);
  }

  @Cacheable({ level: 'l2' })
  async far(id: number): Promise<string> {
    return answer('far', id);
  }

  @Cacheable({ scope: 'user' })
  async own(id: number): Promise<string> {
    return answer('own', id);
  }

  @Cacheable()
  async copied(id: number): Promise<{ id: number; tags: string[] }> {
    return { id, tags: [answer('tag')] };
  }
}

/** Memory, and what is asked of it. */
function watched(): { backend: BackendFactory; made: Backend[]; glances: string[]; asked: string[] } {
  const made: Backend[] = [];
  const glances: string[] = [];
  const asked: string[] = [];
  const inner = memory();
  const create: BackendFactory['create'] = (parts) => {
    const backend = inner.create(parts);
    const { atHand } = backend;
    const glance: AtHand['glance'] = (space, text) => {
      glances.push(text);
      return atHand?.glance(space, text);
    };
    const readInside = backend.read.bind(backend);
    const read: Backend['read'] = (key) => {
      asked.push(key.text);
      return readInside(key);
    };
    Object.assign(backend, { read, atHand: { of: backend, glance } });
    made.push(backend);
    return backend;
  };
  return { backend: { ...inner, create }, made, glances, asked };
}

interface Inside {
  readonly store: { groups(partition: undefined): Iterable<{ records: Map<string, unknown> }> };
}

describe('a hit at hand', () => {
  it('is one: served, counted and told, from a glance alone', async () => {
    const { backend, glances } = watched();
    const { as, get, cache, events } = await start({ backend }, Rows);
    const rows = get(Rows);
    await as('acme', async () => {
      const first = await rows.find(1);
      expect(await rows.find(1)).toBe(first);
      expect(await rows.find(1)).toBe(first);
    });
    expect(glances).toEqual(['1', '1', '1']);
    expect(await cache.tenant('acme').stats()).toMatchObject({ hits: 2, misses: 1 });
    expect(events.of('hit')).toMatchObject([
      { verdict: 'fresh', level: 'l1', durationMs: 0, namespace: 'rows', width: 'tenant' },
      { verdict: 'fresh' },
    ]);
  });

  it('is looked for in vain where that fails: the call reads as it would without', async () => {
    const { backend, made } = watched();
    const { as, get } = await start({ backend }, Rows);
    await as('acme', async () => {
      const first = await get(Rows).find(1);
      for (const each of made)
        Object.assign(each.atHand as AtHand, {
          glance: () => {
            throw new Error('mine');
          },
        });
      expect(await get(Rows).find(1)).toBe(first);
    });
  });

  it('is not served once its tag is invalidated', async () => {
    const { as, get, cache } = await start({ backend: memory() }, Rows);
    const rows = get(Rows);
    await as('acme', async () => {
      const first = await rows.find(2);
      await cache.tenant('acme').invalidateTags(['rows']);
      expect(await rows.find(2)).not.toBe(first);
    });
  });

  it('is not served past its ttl; within its stale window it is, counted as stale and reloaded', async () => {
    const { as, get, cache, clock } = await start({ backend: memory() }, Rows);
    const rows = get(Rows);
    await as('acme', async () => {
      const [found, old] = [await rows.find(3), await rows.old(3)];
      await clock.advance(60_000);
      expect(await rows.find(3)).not.toBe(found);
      expect(await rows.old(3)).toBe(old);
      await clock.settle();
      expect(await rows.old(3)).not.toBe(old);
    });
    expect(await cache.tenant('acme').stats()).toMatchObject({ stale: 1, hits: 1 });
  });

  it('is not served where the entry says that it is of another key, and that is told', async () => {
    const { backend, made } = watched();
    const { as, get, events } = await start({ backend }, Rows);
    const rows = get(Rows);
    await as('acme', async () => {
      const [four, five] = [await rows.find(4), await rows.find(5)];
      for (const { records } of (made[0] as unknown as Inside).store.groups(undefined))
        if (records.has('4')) records.set('4', records.get('5'));
      const served = await rows.find(4);
      expect([four, five]).not.toContain(served);
    });
    expect(events.of('identity-mismatch')[0]).toMatchObject({ namespace: 'rows', width: 'tenant' });
  });

  it('is refreshed early, where the policy says so', async () => {
    const { as, get, clock } = await start({ backend: memory() }, Rows);
    const rows = get(Rows);
    await as('acme', async () => {
      rows.work = () => clock.advance(5_000);
      const first = await rows.early(6);
      // After a load of five seconds the draw is as good as sure a millisecond before the end.
      await clock.advance(59_999);
      expect(await rows.early(6)).toBe(first);
      await clock.settle();
      expect(await rows.early(6)).not.toBe(first);
    });
  });

  it('is no matter of a glance for a policy of the far level', async () => {
    const { backend, glances } = watched();
    const { as, get } = await start({ backend }, Rows);
    await as('acme', async () => {
      await get(Rows).far(7);
      await get(Rows).far(7);
    });
    expect(glances).toEqual([]);
  });

  it('inside a load is noted by it: its tags, and for how few callers it is', async () => {
    const { as, get, cache, events } = await start({ backend: memory() }, Rows);
    const rows = get(Rows);
    const acme = cache.tenant('acme');
    const outer = acme.namespace('outer');
    await as('acme/bob', async () => {
      await rows.find(8);
      await rows.own(8);
      await outer.getOrSet('tagged', () => rows.find(8));
      expect(await outer.has('tagged')).toBe(true);
      await acme.invalidateTags(['rows']);
      expect(await outer.has('tagged')).toBe(false);
      expect(await outer.getOrSet('leaks', () => as('acme/bob', () => rows.own(8)))).toMatch(/^own 8/);
    });
    expect(await outer.has('leaks')).toBe(false);
    expect(events.of('refused')).toMatchObject([{ reason: 'tainted' }]);
  });

  it('hands out a copy of its own to each caller', async () => {
    const { as, get } = await start({ backend: memory() }, Rows);
    await as('acme', async () => {
      const first = await get(Rows).copied(9);
      const second = await get(Rows).copied(9);
      expect(second).toEqual(first);
      second.tags.push('mine');
      second.id = 0;
      expect(await get(Rows).copied(9)).toEqual(first);
    });
  });

  it('makes the entry the most recently used', async () => {
    const { as, get, cache } = await start({ backend: memory({ maxEntries: 2 }) }, Rows);
    const rows = get(Rows);
    await as('acme', async () => {
      const ten = await rows.find(10);
      await rows.find(11);
      expect(await rows.find(10)).toBe(ten);
      await rows.find(12);
      expect(await rows.find(10)).toBe(ten);
    });
    expect((await cache.info()).entries).toBe(2);
  });

  it('is of the tenant that asks, also right after another one did', async () => {
    const { as, get } = await start({ backend: memory() }, Rows);
    const rows = get(Rows);
    const [acme, globex] = [await as('acme', () => rows.find(13)), await as('globex', () => rows.find(13))];
    expect(acme).not.toBe(globex);
    for (let turn = 0; turn < 3; turn++) {
      expect(await as('acme', () => rows.find(13))).toBe(acme);
      expect(await as('globex', () => rows.find(13))).toBe(globex);
    }
  });
});

describe('a hit by hand', () => {
  it('is served from a glance alone, counted, told, and a copy of its own', async () => {
    const { backend, glances, asked } = watched();
    const { cache, events } = await start({ backend }, Rows);
    const acme = cache.tenant('acme').namespace('mine');
    await acme.set('a', { tags: ['x'] });
    const first = await acme.get<{ tags: string[] }>('a');
    first?.tags.push('mine');
    expect(await acme.get('a')).toEqual({ tags: ['x'] });
    expect(await acme.get('b', { default: 7 })).toBe(7);
    expect([glances, asked]).toEqual([["'a", "'a", "'b"], ["'b"]]);
    expect(await acme.stats()).toMatchObject({ hits: 2, misses: 1 });
    expect(events.of('hit')).toMatchObject([{ namespace: 'mine', level: 'l1', verdict: 'fresh' }, {}]);
  });

  it('is not served past its ttl, when its tag is invalidated, or where it may be refreshed or is noted by a load', async () => {
    const { backend, glances } = watched();
    const { cache, clock } = await start({ backend, namespaces: { early: { earlyRefresh: 10 } } }, Rows);
    const acme = cache.tenant('acme');
    await acme.set('a', 1, { ttl: '1m', tags: ['rows'] });
    await clock.advance(60_000);
    expect(await acme.get('a')).toBeUndefined();
    await acme.set('a', 2, { ttl: '1m', tags: ['rows'] });
    await acme.invalidateTags(['rows']);
    expect(await acme.get('a')).toBeUndefined();
    await acme.namespace('early').set('a', 3);
    await acme.set('a', 4, { tags: ['rows'] });
    glances.length = 0;
    expect(await acme.namespace('early').get('a')).toBe(3);
    expect(await acme.getOrSet('outer', () => acme.get('a'))).toBe(4);
    expect(glances).toEqual([]);
    await acme.invalidateTags(['rows']);
    expect(await acme.has('outer')).toBe(false);
  });
});

describe('a method whose counters had to go', () => {
  it('counts where its tenant is summed up, from its next call on', async () => {
    const { as, get, cache } = await start({ backend: memory() }, Rows);
    const { statsRegistry } = (cache as unknown as { parts: { foundation: Foundation } }).parts.foundation;
    const find = (): Promise<string> => as('acme', () => get(Rows).find(30));
    const first = await find();
    for (let at = 0; at < 20_001; at++) {
      const path = `t.flood${at}` as Partition;
      statsRegistry.row({ name: `${path}/rows`, partition: path, path, namespace: 'rows' }).count('hits', 9);
    }
    const acme = cache.tenant('acme');
    expect(await acme.stats()).toMatchObject({ hits: 0, misses: 0, complete: false });
    expect(await find()).toBe(first);
    expect(await acme.stats()).toMatchObject({ hits: 1, misses: 0 });
    expect(await cache.totals()).toMatchObject({ hits: 20_001 * 9 + 1, misses: 1, complete: true });
  });
});

describe('what stands around a backend in memory', () => {
  it.each<[string, (inner: Backend) => Backend]>([
    ['a proxy', (inner) => new Proxy(inner, {})],
    [
      'A111: a proxy that binds what it hands on',
      (inner) =>
        new Proxy(inner, {
          get(target, name) {
            const member: unknown = Reflect.get(target, name);
            return typeof member === 'function' ? (member.bind(target) as unknown) : member;
          },
        }),
    ],
    ['an object that inherits from it', (inner) => Object.create(inner) as Backend],
  ])('does not get the short way with the rest: %s', async (_, around) => {
    const inner = memory();
    const asked: string[] = [];
    const create: BackendFactory['create'] = (parts) => {
      const made = inner.create(parts);
      const wrapped = around(made);
      return Object.assign(Object.create(wrapped) as Backend, {
        read: (...args: Parameters<Backend['read']>) => {
          asked.push(args[0].text);
          return made.read(...args);
        },
      });
    };
    const { as, get } = await start({ backend: { kind: 'around', create } }, Rows);
    await as('acme', async () => {
      const first = await get(Rows).find(20);
      expect(await get(Rows).find(20)).toBe(first);
    });
    expect(asked).toEqual(['20', '20']);
  });

  it.each([GuardedBackend, FallbackBackend, ChaosBackend])('does not hand it on: %p', (type) => {
    expect('atHand' in type.prototype).toBe(false);
  });

  it('sees each read: chaos', async () => {
    const disturbed = chaos(memory());
    const { as, get } = await start({ backend: disturbed }, Rows);
    const first = await as('acme', () => get(Rows).find(21));
    disturbed.failNext('read');
    expect(await as('acme', () => get(Rows).find(21))).not.toBe(first);
  });
});

describe('an observer is told of a hit', () => {
  it('with a digest of its key, by its name, in JSON and in a log; never with the key', async () => {
    const heard: CacheEvent[] = [];
    const { as, get } = await start({ backend: memory(), observers: [(event) => heard.push(event)] }, Rows);
    await as('acme', async () => {
      await get(Rows).find(424242);
      await get(Rows).find(424242);
    });
    const [fill, hit] = ['fill', 'hit'].map(
      (type) => heard.find((event) => event.type === type) as { keyDigest: string },
    );
    const { keyDigest } = hit as { keyDigest: string };
    expect(keyDigest).toBe(fill?.keyDigest);
    expect(JSON.parse(JSON.stringify(hit))).toEqual({
      type: 'hit',
      verdict: 'fresh',
      level: 'l1',
      durationMs: 0,
      namespace: 'rows',
      width: 'tenant',
      keyDigest,
    });
    expect(inspect(hit)).toContain(keyDigest);
    expect(inspect(hit, { showHidden: true, customInspect: false })).not.toMatch(/424242|acme/);
    expect(JSON.stringify(hit)).not.toMatch(/424242|acme/);
  });
});
