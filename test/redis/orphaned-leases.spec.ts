/** Orphaned leases: no load uses them any more, and they could not be given back at once. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Backend, Lease } from '../../lib/core/backend.js';
import { BackendError } from '../../lib/core/errors.js';
import { errorOf, Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { redisBackend, type RedisBackendOptions } from '../support/redis/redis-machine.js';
import { randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { ASKED, stopping, type Stopping } from '../support/servers/orphaned-leases.js';

describeWithRedis('a lease that could not be given back at once', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let backends: Backend[];
  let prefix: string;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await TcpProxy.before(server.port);
    backends = [];
    prefix = randomPrefix();
  });
  afterEach(async () => {
    await Promise.all(backends.map((backend) => backend.close()));
    await proxy.close();
  });

  const open = async (options: RedisBackendOptions): Promise<Backend> => {
    const backend = redisBackend({ ...options, prefix, timeout: '1s' });
    backends.push(backend);
    await backend.open?.();
    return backend;
  };
  const key = new Rig().key('cat');
  const ok = (): boolean => true;
  const no = (): boolean => false;
  const ask = async (backend: Backend): Promise<string | undefined> => {
    // As long as it is being connected there is no answer.
    const reply = await Promise.resolve(backend.lease(key, ASKED)).catch(() => undefined);
    return reply?.kind;
  };

  /** One that holds a lease, and whose first try to give it back has failed. */
  const unable = async ({ clock, tries }: Stopping): Promise<Backend> => {
    const backend = await open({ url: proxy.url, clock });
    const { lease } = (await backend.lease(key, ASKED)) as { lease: Lease };
    proxy.mode = 'blackhole';
    const released = errorOf(Promise.resolve(backend.release(lease)));
    proxy.reset();
    expect(await released).toBeInstanceOf(BackendError);
    await until('it could not be given back', () => tries() > 0);
    proxy.mode = 'pass';
    proxy.reset();
    return backend;
  };

  it('A2: does not keep this process waiting: a caller that meets it gives it back', async () => {
    const backend = await unable(stopping(Infinity));
    let kind: string | undefined;
    await until('there is an answer', async () => (kind = await ask(backend)) !== undefined);
    expect(kind).toBe('granted');
  });

  it('A2: does not keep other processes waiting for long: it is tried again', async () => {
    await unable(stopping(0));
    const other = await open({ url: server.url });
    await until('another is granted one', async () => (await ask(other)) === 'granted', 10_000);
  });

  it('A80: is given back when its process ends', async () => {
    const backend = await unable(stopping(Infinity));
    const other = await open({ url: server.url });
    await until('it is connected again', () => Promise.resolve(backend.ping()).then(ok, no));
    expect(await ask(other)).toBe('held');
    await backend.close();
    expect(await ask(other)).toBe('granted');
  });

  it('A80: is given back also when its process ends before it has heard that it was granted', async () => {
    const backend = await open({ url: server.url });
    const asked = errorOf(Promise.resolve(backend.lease(key, ASKED)));
    await backend.close();
    expect(String(await asked)).toContain('closed');
    expect(await ask(await open({ url: server.url }))).toBe('granted');
  });

  it('A2: is given back also by a caller that asks nothing else of the server, which has failed too often', async () => {
    const backend = await open({ url: proxy.url, failures: 1, pause: '60s' });
    const { lease } = (await backend.lease(key, ASKED)) as { lease: Lease };
    proxy.mode = 'blackhole';
    proxy.reset();
    const isLeftAlone = async (): Promise<boolean> =>
      String(await errorOf(Promise.resolve(backend.read(key)))).includes('circuit open');
    await until('the server is left alone', isLeftAlone);
    expect(String(await errorOf(Promise.resolve(backend.release(lease))))).toContain('circuit open');
    proxy.mode = 'pass';
    const other = await open({ url: server.url });
    await until('another is granted one', async () => (await ask(other)) === 'granted', 10_000);
  });

  it('A2: is given back when the caller that was granted it could not be told all of what stands there', async () => {
    const client = new Redis(server.url);
    try {
      const other = await open({ url: server.url });
      const labels = [...key.labels, ...new Rig().key('cat', { tags: ['red'] }).labels];
      await other.write(key, { value: 'Tom', labels, freshForMs: 60_000, keptForMs: 60_000, isolation: 'clone' });
      const backend = await open({ client });
      // The labels that only the entry names are asked for by themselves.
      client.hmgetBuffer = () => Promise.reject(new Error('Connection is closed.'));
      const refreshing = Promise.resolve(backend.lease(key, { ...ASKED, purpose: 'refresh' }));
      expect(await errorOf(refreshing)).toBeInstanceOf(BackendError);
      const refresh = (): unknown => other.lease(key, { ...ASKED, purpose: 'refresh' });
      const kind = async (): Promise<unknown> => ((await refresh()) as { kind: string }).kind;
      await until('another is granted one', async () => (await kind()) === 'granted', 10_000);
    } finally {
      client.disconnect();
    }
  });
});
