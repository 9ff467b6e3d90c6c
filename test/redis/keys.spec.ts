/** C30: a process that was given another secret under the same name. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Test } from '@nestjs/testing';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import type { Backend } from '../../lib/core/backend.js';
import { CacheConfigError, CacheError } from '../../lib/core/errors.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { recordEvents } from '../../lib/testing/record-events.js';
import { Rig } from '../support/machine/rig.js';
import { redisBackend, type RedisBackendOptions } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess, until, withClient } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const [OURS, THEIRS, NEXT] = Array.from({ length: 3 }, () => randomBytes(32).toString('base64')) as [
  string,
  string,
  string,
];

describeWithRedis('a wrong master key', () => {
  let server: RedisProcess;
  let prefix: string;
  const backends: Backend[] = [];
  beforeAll(async () => {
    server = await RedisProcess.start({ config: { save: '3600 1' } });
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    prefix = randomPrefix();
  });
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((backend) => backend.close()));
  });
  const key = new Rig().key('cat');
  const draft = {
    value: 'Tom',
    labels: key.labels,
    freshForMs: 60_000,
    keptForMs: 60_000,
    isolation: 'clone',
  } as const;
  const ring = (...keys: [id: string, secret: string][]) => ({
    encryption: { keys: keys.map(([id, secret]) => ({ id, secret })) },
  });
  const backend = (codec: RedisBackendOptions['codec'], more: RedisBackendOptions = {}): Backend => {
    const made = redisBackend({ url: server.url, prefix, ...(codec === undefined ? {} : { codec }), ...more });
    backends.push(made);
    return made;
  };
  const valueIn = async (from: Backend): Promise<unknown> => (await from.read(key)).entry?.value;
  const content = (): Promise<[string, string | null][]> =>
    withClient(server.port, async (client) => {
      const names = (await client.keys(`${prefix}:*`)).sort();
      return Promise.all(
        names.map(async (name) => [name, (await client.dumpBuffer(name))?.toString('hex') ?? null] as [string, string]),
      );
    });

  it('C30: is refused at the start, says which, and leaves the cache as it was', async () => {
    const right = backend(ring(['k1', OURS]));
    await right.open?.();
    await right.write(key, draft);
    const before = await content();
    const error = await Promise.resolve(backend(ring(['k1', THEIRS])).open?.()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CacheConfigError);
    expect(error).toMatchObject({ code: 'CACHE_CONFIG', option: 'codec.encryption.keys' });
    expect((error as Error).message).toContain('"k1"');
    const told = inspect(error, { depth: 9 });
    for (const secret of [OURS, THEIRS]) expect(told).not.toContain(secret.slice(0, 10));
    expect(await content()).toEqual(before);
    expect(await valueIn(right)).toBe('Tom');
  });

  it('C30: an application does not start with it', async () => {
    const boot = (secret: string) =>
      Test.createTestingModule({
        imports: [CacheModule.forRoot({ backend: redis({ url: server.url }), prefix, codec: ring(['k1', secret]) })],
      })
        .compile()
        .then((module) => module.init());
    const app = await boot(OURS);
    await expect(boot(THEIRS)).rejects.toBeInstanceOf(CacheConfigError);
    await app.close();
    await (await boot(OURS)).close();
  });

  it('C30: found out only when the server comes, it loads for itself, stores nothing and says so', async () => {
    const right = backend(ring(['k1', OURS]));
    await right.open?.();
    await right.write(key, draft);
    await server.command('SAVE');
    await server.kill();
    const recorded = recordEvents();
    const wrong = backend(ring(['k1', THEIRS]), { observer: recorded.observer });
    await wrong.open?.();
    await server.begin();
    await until('it is told', () => recorded.of('warning').some(({ message }) => message.includes('codec.encryption')));
    const lease = await wrong.lease(key, { leaseMs: 5_000, purpose: 'missing' });
    if (lease.kind !== 'granted') throw new Error('an entry that does not open is a miss');
    await expect(wrong.fill(lease.lease, draft)).rejects.toBeInstanceOf(CacheError);
    await expect(wrong.write(key, draft)).rejects.toBeInstanceOf(CacheError);
    expect(await valueIn(wrong)).toBeUndefined();
    await until('the other is back', async () => (await valueIn(right).catch(() => undefined)) === 'Tom');
  });

  it('C30: a process that was there before is not let through at its next connection either', async () => {
    const recorded = recordEvents();
    const wrong = backend(ring(['k1', THEIRS]), { observer: recorded.observer });
    await wrong.open?.();
    await server.command('FLUSHALL');
    const right = backend(ring(['k1', OURS]));
    await right.open?.();
    await right.write(key, draft);
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await until('it is told', () => recorded.of('warning').some(({ message }) => message.includes('codec.encryption')));
    await expect(wrong.write(key, { ...draft, value: 'Jerry' })).rejects.toBeInstanceOf(CacheError);
    await until('the other is back', async () => (await valueIn(right).catch(() => undefined)) === 'Tom');
    expect(await valueIn(wrong)).toBeUndefined();
    // What it invalidates is meant for all processes.
    expect(await wrong.evict([key])).toBe(1);
    expect(await valueIn(right)).toBeUndefined();
  });

  it('another key under another name is a rotation, and no mistake', async () => {
    const before = backend(ring(['k1', OURS]));
    await before.open?.();
    await before.write(key, draft);
    const during = backend(ring(['k2', NEXT], ['k1', OURS]));
    await during.open?.();
    expect(await valueIn(during)).toBe('Tom');
    await during.write(key, { ...draft, value: 'Kit' });
    const after = backend(ring(['k2', NEXT]));
    await after.open?.();
    expect(await valueIn(after)).toBe('Kit');
    await expect(Promise.resolve(backend(ring(['k2', NEXT], ['k1', THEIRS])).open?.())).rejects.toThrow('"k1"');
  });

  it('two caches of other names on one server have keys of their own, and without encryption nothing is kept', async () => {
    await backend(ring(['k1', OURS])).open?.();
    await backend(ring(['k1', THEIRS]), { prefix: `${prefix}x` }).open?.();
    const plain = randomPrefix();
    await backend(undefined, { prefix: plain }).open?.();
    expect(await server.command('KEYS', `${plain}:*`)).toEqual([]);
  });
});
