/** Functions of the application that throw, answer later, or never: no call takes a promise for an answer, and no process ends. */
import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { assemble } from '../../../support/machine/assemble.js';
import { CacheEvict, Cacheable, CachePut, type CacheModuleOptions } from '../../../../lib/index.js';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { closeAll, counter, start } from '../support/start.js';
import { turns, watchUnhandled } from '../../../support/unhandled.js';

afterEach(closeAll);

watchUnhandled();

const later = (): never => Promise.reject(new Error('4111 1111')) as never;
const lazily = (): never =>
  // oxlint-disable-next-line unicorn/no-thenable -- the query of a database library is one
  ({ then: (_: unknown, fail: (error: Error) => void) => fail(new Error('4111 1111')) }) as never;
/** Options that no compiler would let through. */
const said = (options: object): { scope: 'global'; tags: [] } => options as never;
const never = (): never => new Promise(() => undefined) as never;
const LATE = [
  ['a promise that fails', later],
  ['a thenable', lazily],
  ['a promise that never settles', never],
] as const;

describe('observers', () => {
  it('that fail, now or later, change no call, are told further events, and are named once', async () => {
    const seen: string[] = [];
    async function audit(): Promise<void> {
      throw new Error('4111 1111');
    }
    function broken(): void {
      throw new Error('4111 1111');
    }
    const { cache, log } = await start({
      observers: [audit, broken, never, lazily, ({ type }) => void seen.push(type)] as CacheModuleOptions['observers'],
    });
    for (let round = 0; round < 3; round++) expect(await cache.getOrSet('tom', () => 'Tom')).toBe('Tom');
    await turns();
    const told = log.lines.filter((line) => line.includes('observers['));
    expect(told).toHaveLength(3);
    for (const name of ['observers[0] (audit)', 'observers[1] (broken)', 'observers[3] (lazily)'])
      expect(told.filter((line) => line.includes(name))).toHaveLength(1);
    expect(log.lines.join()).not.toContain('4111');
    expect(seen.filter((type) => type === 'hit')).toHaveLength(2);
  });

  it('a log that fails, now or later, changes no call, and observers hear of it once', async () => {
    for (const fail of [later, lazily, () => thrower()]) {
      const warnings: string[] = [];
      const { engine, keyFactory, scopes, hub, close } = assemble({
        isDebug: true,
        log: { log: fail, warn: fail, debug: fail },
        observers: [(event) => void (event.type === 'warning' && warnings.push(event.message))],
      });
      hub.event({ type: 'warning', message: 'something' });
      const key = keyFactory.key(keyFactory.space(scopes.of({ tenant: 'acme' }), 'tenant', 'cats'), ['tom'], []);
      await engine.writes.evict([key]);
      await turns();
      expect(warnings.filter((message) => message.startsWith('The log failed'))).toHaveLength(1);
      await close();
    }
  });
});

describe('functions that say what a call is about', () => {
  const CACHEABLE = ['condition', 'key', 'tags', 'context'] as const;
  const EVICT = ['condition', 'context', 'key', 'keys', 'pattern', 'tags'] as const;

  describe.each(LATE)('that answer by %s', (_, answer) => {
    it.each(CACHEABLE)(
      '@Cacheable and @CachePut: `%s` fails the call by name, and the method does not run',
      async (name) => {
        let runs = 0;
        @Injectable()
        class Cats {
          @Cacheable(said({ scope: 'global', [name]: () => answer() }))
          async find(): Promise<string> {
            return `#${++runs}`;
          }

          @CachePut(said({ scope: 'global', [name]: () => answer() }))
          async save(): Promise<string> {
            return `#${++runs}`;
          }
        }
        const { get } = await start({}, Cats);
        for (const method of ['find', 'save'] as const)
          await expect(get(Cats)[method]()).rejects.toMatchObject({
            code: 'CACHE_CONFIG',
            option: expect.stringMatching(`Cats\\.${method}\\.${name}$`),
          });
        expect(runs).toBe(0);
      },
    );

    it.each(EVICT)('@CacheEvict: `%s` fails the call by name, and the method does not run', async (name) => {
      let runs = 0;
      @Injectable()
      class Cats {
        @CacheEvict(said({ namespace: 'cats', allEntries: true, scope: 'global', [name]: () => answer() }))
        async remove(): Promise<void> {
          runs++;
        }
      }
      const { get } = await start({}, Cats);
      await expect(get(Cats).remove()).rejects.toMatchObject({ option: `@CacheEvict Cats.remove.${name}` });
      expect(runs).toBe(0);
    });

    it('@CacheEvict: `args` fails the call by name', async () => {
      @Injectable()
      class Cats {
        @Cacheable({ scope: 'global' })
        async find(id: string): Promise<string> {
          return id;
        }

        @CacheEvict({ method: 'find', args: (() => answer()) as unknown as () => [string] })
        async remove(): Promise<void> {}
      }
      const { get } = await start({}, Cats);
      await expect(get(Cats).remove()).rejects.toMatchObject({ option: '@CacheEvict Cats.remove.args' });
    });

    it('about the result (`unless`, `resultTags`, `ttl`): it is returned, not stored, and told once by name', async () => {
      const next = counter();
      @Injectable()
      class Cats {
        @Cacheable({ scope: 'global', unless: () => answer() })
        async unless(): Promise<string> {
          return next();
        }

        @Cacheable({ scope: 'global', resultTags: () => answer() })
        async resultTags(): Promise<string> {
          return next();
        }

        @Cacheable({ scope: 'global', ttl: () => answer() })
        async ttl(): Promise<string> {
          return next();
        }
      }
      const { get, events, log, cache } = await start({}, Cats);
      const cats = get(Cats);
      for (const method of ['unless', 'resultTags', 'ttl'] as const) {
        expect(await cats[method]()).not.toBe(await cats[method]());
        const told = log.lines.filter((line) => line.startsWith(`warn Namespace "Cats.${method}"`));
        expect(told).toHaveLength(1);
        expect(told[0]).toContain(method);
      }
      expect(events.of('fill')).toEqual([]);
      await cache.getOrSet('k', () => 'v', { ttl: (() => answer()) as never });
      expect(await cache.has('k')).toBe(false);
    });

    it('ids of a scope are refused, themselves or in their place', async () => {
      const { cache } = await start({ scope: { default: 'tenant' } });
      const wrong: (() => unknown)[] = [
        () => cache.runInScope(answer(), () => 'ran'),
        () => cache.runInScope({ tenant: answer() }, () => 'ran'),
        () => cache.runInScope({ tenant: 'acme', user: answer() }, () => 'ran'),
        () => cache.tenant(answer()),
        () => cache.for(answer()),
      ];
      for (const call of wrong) {
        expect(call).toThrow(
          expect.objectContaining({ code: 'CACHE_SCOPE_INVALID', message: expect.stringContaining('promise') }),
        );
      }
    });
  });

  it.each(['condition', 'context', 'unless', 'resultTags', 'key', 'tags', 'ttl'])(
    '`%s` that is declared async stops the start',
    (name) => {
      const define = (): unknown => {
        class Cats {
          @Cacheable(said({ [name]: async () => undefined }))
          async find(): Promise<string> {
            return '';
          }
        }
        return Cats;
      };
      expect(define).toThrow(expect.objectContaining({ option: `@Cacheable Cats.find.${name}` }));
    },
  );

  it.each(['condition', 'context', 'key', 'keys', 'pattern', 'tags', 'args'])(
    '`%s` of @CacheEvict that is declared async stops the start',
    (name) => {
      const define = (): unknown => {
        class Cats {
          @CacheEvict(said({ method: 'find', [name]: async () => undefined }))
          async remove(): Promise<void> {}
        }
        return Cats;
      };
      expect(define).toThrow(expect.objectContaining({ option: `@CacheEvict Cats.remove.${name}` }));
    },
  );

  it('a `ttl` of a policy or a call that is declared async is refused', async () => {
    const ttl = (async () => '1m') as never;
    await expect(start({ defaults: { ttl } })).rejects.toMatchObject({ option: 'defaults.ttl' });
    const { cache } = await start({});
    await expect(cache.getOrSet('k', () => 1, { ttl })).rejects.toMatchObject({ option: 'ttl' });
  });

  it('what they throw reaches the caller unchanged, by a promise or by the Observable', async () => {
    const error = new RangeError('mine');
    const fail = (): never => {
      throw error;
    };
    @Injectable()
    class Cats {
      @Cacheable({ scope: 'global', condition: fail })
      async find(): Promise<string> {
        return '';
      }

      @CachePut({ scope: 'global', condition: fail })
      async save(): Promise<string> {
        return '';
      }

      @CacheEvict({ scope: 'global', tags: ['t'], condition: fail })
      async remove(): Promise<void> {}

      @CacheEvict({ scope: 'global', tags: ['t'], condition: fail })
      stream(): Observable<number> {
        return from([1]);
      }
    }
    Reflect.defineMetadata('design:returntype', from([1]).constructor, Cats.prototype, 'stream');
    const { get } = await start({}, Cats);
    for (const method of ['find', 'save', 'remove'] as const) await expect(get(Cats)[method]()).rejects.toBe(error);
    await expect(lastValueFrom(get(Cats).stream())).rejects.toBe(error);
  });

  it('`unless` means whatever JavaScript takes for true', async () => {
    const next = counter();
    @Injectable()
    class Cats {
      @Cacheable({ scope: 'global', unless: ((result: string) => result.length) as never })
      async find(): Promise<string> {
        return next();
      }
    }
    const { get } = await start({}, Cats);
    expect([await get(Cats).find(), await get(Cats).find()]).toEqual(['#1', '#2']);
  });
});

describe('what `warm` is given', () => {
  const entry = (key: number): { key: number; value: number } => ({ key, value: key });

  it('onProgress is waited for, and what it throws or fails with ends the call', async () => {
    const { cache } = await start({});
    const list = [1, 2, 3, 4].map(entry);
    let isWaitedFor = false;
    await cache.warm(list, {
      onProgress: async () => {
        await turns();
        isWaitedFor = true;
      },
    });
    expect(isWaitedFor).toBe(true);
    for (const onProgress of [later, lazily, () => thrower()])
      await expect(cache.warm(list, { onProgress, concurrency: 2 })).rejects.toThrow('4111');
    await expect(cache.warm(list, { onProgress: 1 as never })).rejects.toMatchObject({ option: 'warm.onProgress' });
  });

  it('a loader’s error is told although the list never answers, or cannot tidy up', async () => {
    const { cache } = await start({});
    const failing = { key: 'x', load: () => Promise.reject(new RangeError('load')) };
    const ends: Record<string, () => unknown> = { never, later, thrower, none: () => undefined };
    for (const [name, end] of Object.entries(ends)) {
      let asked = 0;
      const list = {
        [Symbol.asyncIterator]: () => ({
          next: () => (asked++ === 0 ? Promise.resolve({ done: false, value: failing }) : (never() as Promise<never>)),
          return: name === 'none' ? undefined : end,
        }),
      } as AsyncIterable<typeof failing>;
      await expect(cache.warm(list)).rejects.toThrow(RangeError);
    }
  });

  it('a list that fails ends it with its error; a promise in place of a list or an entry is no list, but an entry', async () => {
    const { cache } = await start({});
    const broken = { [Symbol.iterator]: () => ({ next: thrower }) };
    await expect(cache.warm(broken as never)).rejects.toThrow('4111');
    for (const list of [undefined, null, 1, {}, later(), { [Symbol.iterator]: 1 }])
      await expect(cache.warm(list as never)).rejects.toMatchObject({ option: 'entries' });
    await expect(cache.warm([entry(1), undefined] as never)).rejects.toMatchObject({ option: 'entries' });
    expect(await cache.warm([Promise.resolve(entry(1)), entry(2)] as never)).toBe(2);
  });
});

function thrower(): never {
  throw new Error('4111 1111');
}
