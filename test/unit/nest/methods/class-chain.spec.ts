import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { Cacheable, CacheConfig, CacheEvict, CachePut, CacheScope } from '../../../../lib/index.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

/** What a class says is said for those that inherit from it, as far as they say nothing else. */
describe('nothing becomes wider by being left out along a chain of classes', () => {
  @CacheConfig({ namespace: 'mail', scope: 'user', staleWhileRevalidate: '1h' })
  abstract class Mail {
    protected readonly next = counter();
    @Cacheable()
    async inbox(): Promise<string> {
      return this.next('inbox');
    }
    @Cacheable({ key: 'unread' })
    async unread(): Promise<string> {
      return this.next('unread');
    }
  }
  @Injectable()
  @CacheConfig({ ttl: '5m', jitter: undefined })
  class FastMail extends Mail {}

  @CacheScope('user')
  class Private {
    protected readonly next = counter();
    @Cacheable()
    async inbox(): Promise<string> {
      return this.next('inbox');
    }
  }
  @Injectable()
  @CacheConfig({ ttl: '5m' })
  class Plain extends Private {}
  @Injectable()
  class Overriding extends Private {
    @Cacheable('5m')
    override async inbox(): Promise<string> {
      return this.next('override');
    }
  }

  class ByMethod {
    protected readonly next = counter();
    @CacheScope('user')
    @Cacheable()
    async inbox(): Promise<string> {
      return this.next('inbox');
    }
  }
  @Injectable()
  @CacheScope('tenant')
  class OverridingByMethod extends ByMethod {
    @Cacheable('5m')
    override async inbox(): Promise<string> {
      return this.next('override');
    }
  }
  class ByOption {
    protected readonly next = counter();
    @Cacheable({ scope: 'user' })
    async inbox(): Promise<string> {
      return this.next('inbox');
    }
  }
  @Injectable()
  class OverridingByOption extends ByOption {
    @Cacheable('5m')
    override async inbox(): Promise<string> {
      return this.next('override');
    }
  }
  @Injectable()
  class OverridingUndecorated extends ByOption {
    override async inbox(): Promise<string> {
      return super.inbox();
    }
  }
  @Injectable()
  @CacheConfig({ namespace: 'own' })
  class Renamed extends Private {}
  class Bare {
    protected readonly next = counter();
    @Cacheable()
    async inbox(): Promise<string> {
      return this.next('inbox');
    }
  }
  @Injectable()
  @CacheConfig({ scope: 'user' })
  class NarrowerThanItsBase extends Bare {}

  const classes: readonly Type<{ inbox(): Promise<string> }>[] = [
    FastMail,
    Plain,
    Overriding,
    OverridingByMethod,
    OverridingByOption,
    OverridingUndecorated,
    Renamed,
    NarrowerThanItsBase,
  ];
  it.each(classes.map((type) => [type.name, type] as const))(
    '%s keeps what its bases say: for a user',
    async (_, type) => {
      const { as, get } = await start({ scope: { default: 'tenant' } }, type);
      const alice = await as('acme/alice', () => get(type).inbox());
      expect(await as('acme/alice', () => get(type).inbox())).toBe(alice);
      expect(await as('acme/bob', () => get(type).inbox())).not.toBe(alice);
    },
  );

  it('the namespace and the policy are merged option by option', async () => {
    const { as, get, events } = await start({ namespaces: { mail: { ttl: '1m', negativeTtl: '2s' } } }, FastMail);
    await as('acme/alice', () => get(FastMail).inbox());
    await as('acme/alice', () => get(FastMail).unread());
    expect(events.of('fill').map(({ namespace, width, ttlMs }) => [namespace, width, ttlMs])).toEqual([
      ['mail', 'user', 300_000],
      ['mail', 'user', 300_000],
    ]);
  });

  it('the nearest class that says something counts, by whichever decorator', async () => {
    @CacheScope('tenant')
    class Base {
      readonly next = counter();
      @Cacheable()
      async inbox(): Promise<string> {
        return this.next();
      }
    }
    @Injectable()
    @CacheConfig({ scope: 'user' })
    class Narrow extends Base {}
    @Injectable()
    @CacheScope('global')
    class Wide extends Narrow {}
    const { as, get, events } = await start({}, Narrow, Wide);
    await as('acme/alice', async () => [await get(Narrow).inbox(), await get(Wide).inbox()]);
    expect(events.of('fill').map(({ width }) => width)).toEqual(['user', 'global']);
  });

  it('puts and removals of an override keep the width of what they override', async () => {
    class Base {
      readonly next = counter();
      @Cacheable({ namespace: 'box', key: 'all', scope: 'user' })
      async read(): Promise<string> {
        return this.next();
      }
      @CachePut({ namespace: 'box', key: 'all', scope: 'user' })
      async write(): Promise<string> {
        return this.next();
      }
      @CacheEvict({ namespace: 'box', key: 'all', scope: 'user' })
      async drop(): Promise<void> {}
    }
    @Injectable()
    class Sub extends Base {
      @CachePut({ namespace: 'box', key: 'all' })
      override async write(): Promise<string> {
        return this.next('put');
      }
      @CacheEvict({ namespace: 'box', key: 'all' })
      override async drop(): Promise<void> {}
    }
    const { as, get } = await start({ scope: { default: 'tenant' } }, Sub);
    await as('acme/alice', async () => {
      expect(await get(Sub).write()).toBe('put #1');
      expect(await get(Sub).read()).toBe('put #1');
      await get(Sub).drop();
      expect(await get(Sub).read()).toBe('#2');
    });
    expect(await as('acme/bob', () => get(Sub).read())).toBe('#3');
  });
});
