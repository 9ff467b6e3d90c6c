/**
 * A client of the application, whose server takes connections and answers nothing, with encryption: the start has
 * something to ask. The application is started, the server begins to answer, and the application is closed.
 */
import { describe, expect, jest } from '@jest/globals';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { Application, type ApplicationOptions } from '../support/redis/application.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

/** What a child process takes to load everything, on a busy machine. */
const LOADING_MS = 30_000;
const BOUND_MS = 1_000;

describeWithRedis('a server that takes connections and answers nothing', () => {
  const here = ownOfEachTest(() => new Machines());
  const start = (options: ApplicationOptions): Application => {
    const application = new Application({ isEncrypted: true, ...options });
    here().ends.push(() => application.kill());
    return application;
  };
  const silent = async (server: RedisProcess): Promise<TcpProxy> => {
    here().ends.push(() => server.stop());
    const proxy = await TcpProxy.before(server.port);
    proxy.mode = 'blackhole';
    here().ends.push(() => proxy.close());
    return proxy;
  };
  const proveStart = async (application: Application, speak: () => void): Promise<void> => {
    expect(await application.started(LOADING_MS)).toBeLessThan(BOUND_MS + 1_500);
    expect(await application.isHit()).toBe(false);
    expect(application.warned).toMatch(/does not answer \((no answer in time|no node of the cluster answers)\)/);
    speak();
    await until('what is stored is found', () => application.isHit(), 20_000);
    await application.close(10_000);
  };
  /** Nothing that was asked of a silent server is answered later by this proxy: the client has to connect anew. */
  const speaking = (proxy: TcpProxy) => (): void => {
    proxy.mode = 'pass';
    proxy.reset();
  };

  describe.each([5, 6] as const)('ioredis %i', (version) => {
    itConcurrent.each([
      ['one level', false],
      ['two levels', true],
    ])('A68: a start ends within startTimeout, and the server is used when it answers (%s)', async (_, isTiered) => {
      const proxy = await silent(await RedisProcess.start());
      const options = { startTimeout: `${BOUND_MS}ms` } as const;
      const adopted = { host: '127.0.0.1', port: proxy.port };
      await proveStart(start({ version, isTiered, options, adopted }), speaking(proxy));
    });

    itConcurrent('A68: a start ends within startTimeout on a cluster', async () => {
      const server = await clusterOfOne();
      // One that has met no other does not know its address.
      await server.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
      const proxy = await silent(server);
      const options = { startTimeout: `${BOUND_MS}ms` } as const;
      await proveStart(
        start({ version, options, adopted: { nodes: [{ host: '127.0.0.1', port: proxy.port }] } }),
        speaking(proxy),
      );
    });
  });

  itConcurrent('A68: with requireOnBoot it is refused within startTimeout', async () => {
    const proxy = await silent(await RedisProcess.start());
    const options = { startTimeout: `${BOUND_MS}ms`, requireOnBoot: true } as const;
    const application = start({ version: 6, options, adopted: { host: '127.0.0.1', port: proxy.port } });
    await expect(application.started(LOADING_MS)).rejects.toThrow('requireOnBoot');
  });

  describe('sentinels', () => {
    itConcurrent.each([5, 6] as const)(
      'A68: a start ends within startTimeout with a client of ioredis %i',
      async (version) => {
        const group = await RedisSentinels.start();
        here().ends.push(() => group.stop());
        const adopted = { sentinels: group.addresses, name: MASTER_NAME };
        group.sentinels[0]?.halt();
        const application = start({ version, options: { startTimeout: `${BOUND_MS}ms` }, adopted });
        await proveStart(application, () => group.sentinels[0]?.resume());
        expect(application.warned).toContain('redis.client asks sentinels without `sentinelCommandTimeout`');
      },
    );
  });
});
