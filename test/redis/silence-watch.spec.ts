/** Connections of ours that owe an answer and through which nothing comes. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5';
import { openClients } from '../../lib/backends/redis/connection/client.js';
import type { Client } from '../../lib/backends/redis/connection/send-command.js';
import { watchSilence } from '../../lib/backends/redis/connection/silence-watch.js';
import { resolveRedisOptions } from '../../lib/backends/redis/options.js';
import { machineClock, type Clock } from '../../lib/core/clock.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** Looks that see an answer owed and nothing come, after which a connection is given up. */
const LOOKS = 5;

/** Also where an error comes before it. */
function once(client: Redis | Cluster, event: 'ready' | 'close'): Promise<void> {
  return new Promise((resolve) => void client.once(event, () => resolve()));
}

/** Timers that fire when the test says so. */
class Hand {
  private due: (() => void)[] = [];
  readonly clock: Clock = {
    ...machineClock,
    after: (_, callback) => {
      this.due.push(callback);
      return () => {
        this.due = this.due.filter((each) => each !== callback);
      };
    },
  };

  get timers(): number {
    return this.due.length;
  }

  look(times = 1): void {
    for (let time = 0; time < times; time++) for (const callback of this.due.splice(0)) callback();
  }
}

describeWithRedis('a connection of ours', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const started = async (start: () => Promise<RedisProcess> = () => RedisProcess.start()): Promise<TcpProxy> => {
    const server = await start();
    ends.push(() => server.stop());
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    return proxy;
  };
  const watched = async <C extends Redis | Cluster>(client: C, hand: Hand): Promise<C> => {
    ends.push(() => client.disconnect());
    client.on('error', () => undefined);
    watchSilence(client as Client, 1_000, hand.clock);
    await once(client, 'ready');
    return client;
  };
  const kinds = [
    ['version 6', (port: number) => new Redis(port)],
    ['version 5', (port: number) => new Redis5(port) as unknown as Redis],
  ] as const;

  it.each(kinds)('A93: that owes an answer is given up when nothing comes for long enough (%s)', async (_, open) => {
    const proxy = await started();
    const hand = new Hand();
    const client = await watched(open(proxy.port), hand);
    hand.look();
    proxy.mode = 'blackhole';
    client.get('x').catch(() => undefined);
    hand.look(LOOKS - 1);
    await machineClock.sleep(20);
    expect(client.status).toBe('ready');
    proxy.mode = 'pass';
    const closed = once(client, 'close');
    hand.look();
    await closed;
    // Of the next connection as well.
    await once(client, 'ready');
    expect(hand.timers).toBe(1);
    proxy.mode = 'blackhole';
    hand.look();
    client.get('x').catch(() => undefined);
    const again = once(client, 'close');
    hand.look(LOOKS);
    await again;
    proxy.mode = 'pass';
    await once(client, 'ready');
    expect(hand.timers).toBe(1);
    client.disconnect();
    await until('no timer is left', async () => hand.timers === 0);
  });

  it.each(kinds)('A93: that owes nothing is kept, however long it is silent (%s)', async (_, open) => {
    const proxy = await started();
    const hand = new Hand();
    const client = await watched(open(proxy.port), hand);
    await client.get('x');
    hand.look(10 * LOOKS);
    await machineClock.sleep(20);
    expect([client.status, proxy.connections, hand.timers]).toEqual(['ready', 1, 1]);
  });

  it.each(kinds)('A93: through which an answer comes slowly is kept (%s)', async (_, open) => {
    const proxy = await started();
    const hand = new Hand();
    const client = await watched(open(proxy.port), hand);
    await client.set('large', 'x'.repeat(600_000));
    hand.look();
    proxy.bytesPerSecond = 1_500_000;
    let isOver = false;
    const reading = client.get('large').finally(() => (isOver = true));
    for (let chunks = 0; chunks < 3; chunks++) {
      const before = client.stream.bytesRead;
      await until('more has come', async () => isOver || client.stream.bytesRead > before);
      hand.look(LOOKS - 1);
    }
    expect(isOver).toBe(false);
    expect(await reading).toHaveLength(600_000);
    expect([client.status, proxy.connections]).toEqual(['ready', 1]);
  });

  it.each(kinds)('A93: whose answer has arrived and was not read yet is kept (%s)', async (_, open) => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    const hand = new Hand();
    const client = await watched(open(server.port), hand);
    const { stream } = client;
    hand.look();
    const answer = client.get('x');
    // As after a long computation: everything is due, and nothing was read.
    const untilMs = performance.now() + 50;
    while (performance.now() < untilMs);
    hand.look(2 * LOOKS);
    expect(await answer).toBeNull();
    await machineClock.sleep(20);
    expect([client.status, client.stream === stream, stream.destroyed]).toEqual(['ready', true, false]);
    await until('it is looked at again', async () => hand.timers === 1);
  });

  it.each([
    ['version 6', (port: number) => new Cluster([{ host: '127.0.0.1', port }])],
    ['version 5', (port: number) => new Cluster5([{ host: '127.0.0.1', port }]) as unknown as Cluster],
  ])('A93: to a node of a cluster is watched by itself (%s)', async (_, open) => {
    const node = await clusterOfOne();
    ends.push(() => node.stop());
    const proxy = await TcpProxy.before(node.port);
    ends.push(() => proxy.close());
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    await node.command('CONFIG', 'SET', 'cluster-announce-port', String(proxy.port));
    const hand = new Hand();
    const client = await watched(open(proxy.port), hand);
    expect(await client.get('x')).toBeNull();
    const [master] = client.nodes('master');
    hand.look();
    proxy.mode = 'blackhole';
    client.get('x').catch(() => undefined);
    const closed = once(master as Redis, 'close');
    hand.look(LOOKS);
    await closed;
  });

  it.each([
    ['is one', { clientOptions: { socketTimeout: 5_000 } }, 1_000],
    ['is none, whatever a URL says,', { url: 'URL?socketTimeout=20' }, undefined],
    ['is none', {}, undefined],
  ] as const)('there %s of ioredis by the options of the application', async (_, said, expected) => {
    const proxy = await started();
    const at = 'url' in said ? { url: said.url.replace('URL', proxy.url) } : { ...said, url: proxy.url };
    const [client] = openClients(resolveRedisOptions(at), Math.random) as [Redis];
    ends.push(() => client.disconnect());
    client.on('error', () => undefined);
    await once(client, 'ready');
    expect(client.options.socketTimeout).toBe(expected);
  });
});
