/** One subscriber connection: what takes a channel away from it, and how that is noticed. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { ShardSubscriber } from '../../lib/backends/redis/pubsub/shard-subscriber.js';
import { slotOf } from '../../lib/backends/redis/slot.js';
import { systemClock } from '../../lib/core/clock.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const CLIENTS: [string, (port: number) => Redis][] = [
  ['5', (port) => new Redis5(port, '127.0.0.1', { lazyConnect: true }) as unknown as Redis],
  ['6', (port) => new Redis(port, '127.0.0.1', { lazyConnect: true })],
];
const [ONE, TWO, THREE] = ['c:{one}:b', 'c:{two}:b', 'c:{three}:b'];

describeWithRedis('a subscriber to a server that keeps slots', () => {
  let server: RedisProcess;
  let elsewhere: RedisProcess;
  let subscriber: ShardSubscriber | undefined;
  const proxies: TcpProxy[] = [];
  beforeAll(async () => {
    [server, elsewhere] = await Promise.all([clusterOfOne(), RedisProcess.start()]);
  });
  afterEach(async () => {
    subscriber?.drop();
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });
  afterAll(() => Promise.all([server.stop(), elsewhere.stop()]));

  /** @param lost channels whose slot has moved unnoticed: what is published there reaches another server */
  const scene = (like: Redis, lost: ReadonlySet<string> = new Set()) => {
    const events: string[] = [];
    const publish = (channel: string, text: string): Promise<unknown> =>
      (lost.has(channel) ? elsewhere : server).command('SPUBLISH', channel, text);
    subscriber = new ShardSubscriber(
      like,
      { clock: systemClock, publish },
      {
        onUp: () => events.push('up'),
        onHeard: (channel) => events.push(`heard ${channel}`),
        onRefused: (channel) => events.push(`refused ${channel}`),
        onDown: (_, channels) => events.push(`down ${channels.join(' ')}`),
        onText: (text) => events.push(text),
      },
    );
    const has = (what: string): Promise<number> => until(what, () => events.includes(what));
    return { subscriber, events, has };
  };
  const take = (tag: string): Promise<unknown> => server.command('CLUSTER', 'DELSLOTS', slotOf(tag));
  const giveBack = (tag: string): Promise<unknown> => server.command('CLUSTER', 'ADDSLOTS', slotOf(tag));

  it('knows the slot of a tag', async () => {
    for (const tag of ['', 'g', 't.acme', 't.acme.3.8', 't.größe', 'x'.repeat(300)]) {
      expect(slotOf(tag)).toBe(Number(await server.command('CLUSTER', 'KEYSLOT', tag)));
    }
  });

  describe.each(CLIENTS)('by ioredis %s', (_, client) => {
    it('receives what is published on the channels it follows, and no more on those it unfollows', async () => {
      const { subscriber: one, events, has } = scene(client(server.port));
      for (const channel of [ONE, TWO]) one.follow(channel);
      await has(`heard ${TWO}`);
      expect(events).toEqual(['up', `heard ${ONE}`, `heard ${TWO}`]);
      await server.command('SPUBLISH', ONE, 'first');
      await has('first');
      one.unfollow(ONE);
      one.follow(THREE);
      await has(`heard ${THREE}`);
      await server.command('SPUBLISH', ONE, 'second');
      await server.command('SPUBLISH', TWO, 'third');
      await has('third');
      expect(events).not.toContain('second');
      one.unfollow(TWO);
      one.unfollow(THREE);
      await has('down ');
    });

    it('goes when a slot is taken away, whatever it was doing', async () => {
      const { subscriber: one, has } = scene(client(server.port));
      for (const channel of [ONE, TWO]) one.follow(channel);
      await has(`heard ${TWO}`);
      await take('one');
      await has(`down ${ONE} ${TWO}`);
      await giveBack('one');
    });

    it('does not take the loss of a channel for the answer about another', async () => {
      const proxy = await TcpProxy.before(server.port);
      proxies.push(proxy);
      const { subscriber: one, events, has } = scene(client(proxy.port));
      one.follow(ONE);
      await has(`heard ${ONE}`);
      proxy.delayMs = 600;
      one.follow(TWO);
      await pause(50);
      await take('one');
      await has(`down ${ONE} ${TWO}`);
      await giveBack('one');
      await pause(600);
      expect(events).not.toContain(`heard ${TWO}`);
    });

    it('an attempt that was given up does not decide for the one after it', async () => {
      const proxy = await TcpProxy.before(server.port);
      proxies.push(proxy);
      const { subscriber: one, events, has } = scene(client(proxy.port));
      one.follow(ONE);
      await has(`heard ${ONE}`);
      proxy.delayMs = 600;
      one.follow(TWO);
      one.unfollow(TWO);
      await pause(400);
      const { bytesDown } = proxy;
      one.follow(TWO);
      // The first answer is there, and messages of the channel no longer arrive.
      await until('the first answer', () => proxy.bytesDown > bytesDown);
      await pause(20);
      expect(events).not.toContain(`heard ${TWO}`);
      await has(`heard ${TWO}`);
    });

    it('reports what it has no right to, and goes on with the rest', async () => {
      const { subscriber: one, events, has } = scene(client(server.port));
      one.follow(ONE);
      await has(`heard ${ONE}`);
      await server.command('ACL', 'SETUSER', 'default', 'resetchannels', `&${ONE}`);
      one.follow(TWO);
      await until('it is events', () => events.length === 3);
      await server.command('ACL', 'SETUSER', 'default', 'allchannels');
      expect(events[2]).toBe(`refused ${TWO}`);
      await server.command('SPUBLISH', ONE, 'first');
      await has('first');
    });
  });

  it('heartbeats take each channel in turn, and one that does not come back ends it', async () => {
    const lost = new Set<string>();
    const { subscriber: one, events, has } = scene(new Redis(server.port, '127.0.0.1', { lazyConnect: true }), lost);
    for (const channel of [ONE, TWO, THREE]) one.follow(channel);
    await has(`heard ${THREE}`);
    for (let beat = 0; beat < 12; beat++) {
      await one.send(`beat ${beat}`);
      await has(`beat ${beat}`);
    }
    lost.add(TWO);
    for (let beat = 12; beat < 24 && !events.some((what) => what.startsWith('down')); beat++) {
      await one.send(`beat ${beat}`);
      await pause(20);
    }
    expect(events.at(-1)).toBe(`down ${ONE} ${TWO} ${THREE}`);
  });
});
