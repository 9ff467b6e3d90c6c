/** Set-ups that teams write every day, all at once: no answer is another's. `SOAK=1` asks a hundred thousand times. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CacheService, getCacheToken } from '../../lib/index.js';
import { dice } from './support/canary.js';
import { KeptLog } from './support/quiet.js';
import { foreignness, pathOf, TeamModule, VERBS, type Made } from './support/what-teams-write.js';
import { soaking } from '../support/soak.js';

const REQUESTS = soaking(100_000, 2_000);
const AT_ONCE = 100;
const TENANTS = 200;
const USERS = 3;
const KEYS = 6;

describe('what teams really write', () => {
  let app: NestFastifyApplication;
  const log = new KeptLog();

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [TeamModule] })
      .setLogger(log)
      .compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  it('lazy loaders, queueing interceptors, puts for others, subclasses and named caches: no answer is another’s', async () => {
    const roll = dice(17);
    const foreign: string[] = [];
    const failed: string[] = [];
    const origins = new Map<string, string>();
    let values = 0;
    let left = REQUESTS;
    const ask = async (): Promise<void> => {
      const tenant = (): string => `t${roll(2) === 0 ? roll(4) : roll(TENANTS)}`;
      const who = { tenant: tenant(), user: `u${roll(USERS)}` };
      // Removals are rare, or nothing would ever be found.
      const verb = VERBS[roll(VERBS.length - (roll(10) === 0 ? 0 : 2))]!;
      const [k, other] = [`k${roll(KEYS)}`, tenant()];
      const answer = await app.inject({
        url: pathOf(verb, k, other),
        headers: { 'x-tenant': who.tenant, 'x-user': who.user },
      });
      if (answer.statusCode !== 200) {
        failed.push(`${verb} ${answer.statusCode} ${answer.body}`);
        return;
      }
      const made = answer.body === '' ? null : (JSON.parse(answer.body) as Made | null);
      const problem = foreignness(verb, who, k, other, made);
      if (problem !== undefined) foreign.push(problem);
      if (made === null) return;
      values++;
      const origin = `${made.site}/${made.t}/${made.u}/${made.k}`;
      if ((origins.get(String(made.n)) ?? origin) !== origin) foreign.push(`load ${made.n} is ${origin} as well`);
      origins.set(String(made.n), origin);
    };
    const worker = async (): Promise<void> => {
      while (left-- > 0) await ask();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(failed.slice(0, 5)).toEqual([]);
    expect(foreign.slice(0, 5)).toEqual([]);
    expect(values).toBeGreaterThan(REQUESTS / 2);
    const totals = await app.get(CacheService).totals();
    const sessions = await app.get<CacheService>(getCacheToken('sessions')).totals();
    expect(Math.min(totals.hits, totals.misses, sessions.hits)).toBeGreaterThan(REQUESTS / 50);
    expect(log.of('Cache').filter((line) => line.startsWith('error'))).toEqual([]);
  }, 600_000);
});
