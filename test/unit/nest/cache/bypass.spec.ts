/** Calls that go without the cache inside a load: what they bring still belongs to a scope. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Cacheable, CacheService, type CacheModuleOptions } from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

/** Whom the application itself believes to serve, by means of its own (a request, nestjs-cls, a connection per tenant). */
const served = new AsyncLocalStorage<string>();

@Injectable()
class Reports {
  constructor(private readonly cache: CacheService) {}

  @Cacheable({ scope: 'user', condition: (isCached: boolean) => isCached })
  async own(_isCached: boolean): Promise<string> {
    return `of ${String(served.getStore())}`;
  }

  @Cacheable({ scope: 'tenant' })
  async ofAll(isCached: boolean): Promise<string> {
    return this.own(isCached);
  }

  @Cacheable({ scope: 'tenant' })
  async byHand(): Promise<string> {
    return this.cache.user('ann').getOrSet('own', () => `of ${String(served.getStore())}`);
  }

  @Cacheable({ scope: 'global' })
  async ofEverybody(): Promise<string> {
    return this.byHand();
  }

  @Cacheable({ scope: 'tenant', condition: () => false })
  async uncached(): Promise<string> {
    return 'the same for all';
  }

  @Cacheable({ scope: 'user' })
  async around(): Promise<string> {
    return this.uncached();
  }
}

describe('a call that goes without the cache inside a load', () => {
  it.each<[string, CacheModuleOptions, (reports: Reports) => Promise<string>]>([
    ['for lack of a user', { scope: { onMissing: 'bypass' } }, (reports) => reports.ofAll(true)],
    ['by its condition', {}, (reports) => reports.ofAll(false)],
    ['for lack of a tenant, by hand', { scope: { onMissing: 'bypass' } }, (reports) => reports.ofEverybody()],
  ])('%s is not stored for more people than it is meant for', async (_, options, call) => {
    const { as, get, events } = await start(options, Reports);
    const ask = (who: string): Promise<string> => served.run(who, () => as(who, () => call(get(Reports))));
    expect(await ask('acme/ann')).toBe('of acme/ann');
    expect(await ask('acme/bob')).toBe('of acme/bob');
    expect(events.of('refused').every(({ reason }) => reason === 'tainted')).toBe(true);
  });

  it('and is meant for no fewer people leaves it to be stored', async () => {
    const { as, get, events } = await start({}, Reports);
    await as('acme/ann', () => get(Reports).around());
    expect(events.of('fill')).toHaveLength(1);
  });
});
