import { Module, type DynamicModule } from '@nestjs/common';
import { ownOptions } from '../core/own-options.js';
import { CacheModule } from '../nest/cache.module.js';
import type { CacheModuleOptions } from '../nest/cache.options.js';
import { CACHE_CLOCK } from '../nest/cache.tokens.js';
import { FakeClock } from './fake.clock.js';
import { recordEvents } from './record-events.js';

/** The token of the {@link RecordedEvents} of a {@link CacheTestingModule}. */
export const CACHE_EVENTS: unique symbol = Symbol.for('nestjs-scoped-cache:events');

/**
 * The cache module for tests: the same cache, on a clock that moves when told, with a record of what happened. Get both
 * from the module: `module.get(FakeClock)` and `module.get<RecordedEvents>(CACHE_EVENTS)`.
 *
 * @example
 * const module = await Test.createTestingModule({
 *   imports: [CacheTestingModule.forTest({ defaults: { ttl: '5m' } })],
 *   providers: [CatsService],
 * }).compile();
 * await module.get(FakeClock).advance(5 * 60_000);
 * expect(module.get<RecordedEvents>(CACHE_EVENTS).types()).toContain('fill');
 */
@Module({})
export class CacheTestingModule {
  /**
   * @param options those of `CacheModule.forRoot`; `backend: chaos(memory())` for a backend that fails on request
   * @throws CacheConfigError naming an option that is none; when the module is compiled, one that cannot work
   */
  static forTest(options?: CacheModuleOptions): DynamicModule {
    const clock = new FakeClock();
    const events = recordEvents();
    const own = ownOptions(options, 'options');
    const cache = CacheModule.forRoot({ ...own, observers: [...(own.observers ?? []), events.observer] });
    return {
      ...cache,
      providers: [
        ...(cache.providers ?? []),
        // Named after the module's own providers, these take their place.
        { provide: CACHE_CLOCK, useValue: clock },
        { provide: FakeClock, useValue: clock },
        { provide: CACHE_EVENTS, useValue: events },
      ],
      exports: [...(cache.exports ?? []), FakeClock, CACHE_EVENTS],
    };
  }

  /**
   * For unit tests of classes with decorated methods, the Nest way: `{ imports: [CacheTestingModule.forUnit()], providers:
   * [CatsService] }`. A cache that is switched off, seen by all modules: decorated methods run as they were written, in
   * every call and for every caller, and `CacheService` stores nothing; no server, tenant or fake clock is needed. What is
   * written wrong in decorators stops the start, as it does in the application. To test with the cache take `forTest`.
   * @throws CacheConfigError when the module is compiled, for a decorator that cannot work
   * @example
   * const module = await Test.createTestingModule({
   *   imports: [CacheTestingModule.forUnit()],
   *   providers: [CatsService],
   * }).compile();
   */
  static forUnit(): DynamicModule {
    return CacheModule.forRoot({ enabled: false, scope: { default: 'global' } });
  }
}
