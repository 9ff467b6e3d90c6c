/** C11: thousands of interleaved requests of a thousand tenants, with random awaits, aborts and errors. */
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Param, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CacheModule, CacheService, fromRequest, memory } from '../../lib/index.js';
import { Canary, dice, FAILURE, KEYS, nextVerb, TENANTS, USERS, Watch } from './support/canary.js';
import type { Seen, Who } from './support/notes.js';
import { KeptLog } from './support/quiet.js';
import { soaking } from '../support/soak.js';

const REQUESTS = soaking(100_000, 5_000);
const HTTP_REQUESTS = soaking(3_000, 600);

@Controller()
class CanaryController {
  constructor(private readonly canary: Canary) {}

  @Get(':verb/:user/:key')
  ask(@Param('verb') verb: string, @Param('user') user: string, @Param('key') key: string): Promise<unknown> {
    return this.canary.request({ user }, Number(verb), key);
  }
}

@Module({
  imports: [
    CacheModule.forRoot({
      // Small enough that entries of all users are displaced all the time.
      backend: memory({ maxEntries: REQUESTS / 10 }),
      scope: {
        resolve: fromRequest(async ({ headers }) => {
          await turn();
          return { tenant: headers?.['x-tenant'], user: headers?.['x-user'] };
        }),
      },
    }),
  ],
  controllers: [CanaryController],
  providers: [Canary],
})
class SoakModule {}

describe('C11: many tenants at once', () => {
  let app: INestApplication;
  const log = new KeptLog();

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [SoakModule] })
      .setLogger(log)
      .compile();
    app = module.createNestApplication(new FastifyAdapter({ forceCloseConnections: true }));
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  /** So many workers each take the next request when they are done with the last. */
  async function run(total: number, workers: number, request: () => Promise<void>): Promise<void> {
    let left = total;
    const work = async (): Promise<void> => {
      while (left-- > 0) await request();
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  it('shows nobody a foreign value in thousands of requests over decorators and verbs', async () => {
    const cache = app.get(CacheService);
    const canary = app.get(Canary);
    const roll = dice(11);
    const watch = new Watch();
    let failures = 0;
    await run(REQUESTS, 200, async () => {
      // A few tenants are busy, as everywhere: their requests meet.
      const tenant = `t${roll(2) === 0 ? roll(5) : roll(TENANTS)}`;
      const who: Who = { tenant, user: `u${roll(USERS)}` };
      const key = `k${roll(KEYS)}`;
      const answer = cache.runInScope(who, async () => {
        if (roll(2) === 0) await turn();
        return canary.request(who, nextVerb(roll), key);
      });
      const looked = answer.then(
        (values) => {
          for (const seen of values) watch.look(who, key, seen);
        },
        (error: unknown) => {
          if (error !== FAILURE) throw error;
          failures++;
        },
      );
      // Every tenth caller does not wait for its answer, and goes on to ask something else.
      if (roll(10) !== 0) await looked;
      else looked.catch((error: unknown) => watch.foreign.push(error));
    });
    await turn();
    expect(watch.foreign).toEqual([]);
    expect(watch.values).toBeGreaterThan(REQUESTS / 2);
    expect(failures).toBeGreaterThan(REQUESTS / 1_000);
    const { hits, stale, misses, displaced } = await cache.totals();
    expect(Math.min(hits, misses, displaced)).toBeGreaterThan(REQUESTS / 100);
    expect(stale).toBeGreaterThan(REQUESTS / 5_000);
  }, 180_000);

  it('shows nobody a foreign value over HTTP, with clients that hang up', async () => {
    const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
    const roll = dice(13);
    const watch = new Watch();
    let aborted = 0;
    await run(HTTP_REQUESTS, 40, async () => {
      const who = { tenant: `t${roll(2) === 0 ? roll(5) : roll(TENANTS)}`, user: `u${roll(USERS)}` };
      const key = `k${roll(KEYS)}`;
      const controller = new AbortController();
      const headers = { 'x-tenant': who.tenant, 'x-user': who.user };
      const options = { headers, signal: controller.signal };
      const answer = fetch(`${url}/${nextVerb(roll)}/${who.user}/${key}`, options).then((it_) => it_.json());
      if (roll(8) === 0) void turn().then(() => controller.abort());
      try {
        const values = await answer;
        if (Array.isArray(values)) for (const seen of values as Seen[]) watch.look(who, key, seen);
      } catch (error) {
        if ((error as Error).name !== 'AbortError') throw error;
        aborted++;
      }
    });
    expect(watch.foreign).toEqual([]);
    expect(watch.values).toBeGreaterThan(HTTP_REQUESTS / 4);
    expect(aborted).toBeGreaterThan(HTTP_REQUESTS / 300);
    expect(log.of('Cache').filter((line) => line.startsWith('error'))).toEqual([]);
  }, 180_000);
});
