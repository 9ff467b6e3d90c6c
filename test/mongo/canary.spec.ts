/** A value for each tenant and user that says whose it is, over two machines, while the network resets: rows C11, C12. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import assert from 'node:assert/strict';
import { CacheError } from '../../lib/core/errors.js';
import type { LoaderContext } from '../../lib/engine/loader.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import type { Clock } from '../../lib/core/clock.js';
import type { Options, Rig } from '../support/machine/rig.js';
import { LEVELS } from '../support/mongo/levels.js';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { enough } from '../support/redis/redis-process.js';
import { soaking } from '../support/soak.js';

const DURATION_MS = soaking(120_000, 1_000);
const RESET_MS = soaking(400, 200);
const TENANTS = 40;
const USERS = 4;
const NAMES = 3;
const CALLERS = 60;

interface Canary {
  readonly t: string;
  readonly u: string | undefined;
  readonly k: number;
}

describeWithMongo('C11, C12: a canary in every value', () => {
  let server: MongoProcess;
  beforeAll(async () => {
    server = await MongoProcess.start();
  });
  afterAll(() => server.stop());

  const networks = [
    ['over a sound network', false],
    ['over a network that resets connections', true],
  ] as const;
  it.each(
    LEVELS.flatMap(([name, levels]) => networks.map(([network, isBad]) => [name, network, isBad, levels] as const)),
  )(
    '%s, %s, no caller is served what is not theirs',
    async (_level, _network, isBad, { over }) => {
      const machines = new MongoMachines();
      const proxies = [await TcpProxy.before(server.port), await TcpProxy.before(server.port)];
      const timeout = isBad ? '300ms' : '10s';
      const rigs = await Promise.all(
        proxies.map(({ port }) =>
          machines.ready({
            uri: `mongodb://127.0.0.1:${port}/test`,
            timeout,
            failures: 1_000,
            ...(over === undefined ? {} : { over }),
          }),
        ),
      );
      const trouble = setInterval(() => {
        if (isBad) proxies[Math.random() < 0.5 ? 0 : 1]?.reset();
      }, RESET_MS);
      const count = { served: 0, loads: 0 };
      // Most of what is served was stored by another call.
      const isOver = enough(DURATION_MS, () => count.served > 150 && count.loads < count.served);
      await Promise.all(
        Array.from({ length: CALLERS }, (_none, at) =>
          visit(rigs[at % 2] as Rig<Clock>, seededRandom(at), isOver, count),
        ),
      );
      clearInterval(trouble);
      await machines.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      expect(count.served).toBeGreaterThan(150);
      expect(count.loads).toBeLessThan(count.served);
    },
    180_000,
  );
});

/** One caller after another, each for another user, asking for what only they may see. */
async function visit(
  rig: Rig<Clock>,
  random: () => number,
  isOver: () => boolean,
  count: { served: number; loads: number },
): Promise<void> {
  while (!isOver()) {
    const tenant = `tenant ${Math.floor(random() * random() * TENANTS)}`;
    const user = `user ${Math.floor(random() * USERS)}`;
    const k = Math.floor(random() * NAMES);
    const place: Options = { tenant, ...(random() < 0.5 ? { user } : {}), tags: ['red'], ttl: '1h' };
    try {
      await rig.as({ tenant, user }, async () => {
        const value = await one(rig, k, place, random(), count);
        if (value === undefined) return;
        assert.deepEqual(value, { t: tenant, u: place.user, k });
        count.served++;
      });
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
    }
  }
}

async function one(
  rig: Rig<Clock>,
  k: number,
  place: Options,
  act: number,
  count: { loads: number },
): Promise<Canary | undefined> {
  const make = (): Canary => ({ t: place.tenant as string, u: place.user, k });
  if (act < 0.8) {
    const load = async (context: LoaderContext): Promise<Canary> => {
      count.loads++;
      const { tenant, user } = context.scope;
      return { t: tenant as string, u: user, k };
    };
    return rig.load<Canary>(k, load as never, place);
  }
  if (act < 0.88) return (await rig.get(k, place)) as Canary | undefined;
  if (act < 0.92) await rig.set(k, make(), place);
  else if (act < 0.95) await rig.evict(k, place);
  else if (act < 0.97) await rig.invalidateTag('red', scopeOf(place));
  else if (act < 0.98) await rig.clear(scopeOf(place));
  else return rig.put<Canary>(k, make, place);
  return undefined;
}

function scopeOf({ tenant, user }: Options): Options {
  return { ...(tenant === undefined ? {} : { tenant }), ...(user === undefined ? {} : { user }) };
}
