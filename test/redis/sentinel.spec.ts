/** A master watched by sentinels: another takes its place, and what it may have missed is sent again. */
import { expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { MasterConnector } from '../../lib/backends/redis/connection/master-connector.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines, timed } from '../support/redis/machines.js';
import { pause, until } from '../support/redis/redis-process.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

describeWithRedis('a group of sentinels', () => {
  const here = ownOfEachTest(() => new Machines());
  const start = async (): Promise<RedisSentinels> => {
    const group = await RedisSentinels.start();
    here().ends.push(() => group.stop());
    return group;
  };
  /** Before the first of them. */
  const slowed = async ({ addresses }: RedisSentinels): Promise<TcpProxy> => {
    const proxy = await TcpProxy.before(addresses[0]?.port ?? 0);
    here().ends.push(() => proxy.close());
    return proxy;
  };
  const ready = (group: RedisSentinels) => here().machines.ready({ sentinels: group.addresses, name: MASTER_NAME });

  itConcurrent(
    'A35, A36: after a hang another master is used; the old one is written to no more when it wakes',
    async () => {
      const group = await start();
      const rig = await ready(group);
      await rig.set('cat', 'Tom');
      group.master.halt();
      const beganAtMs = performance.now();
      let longestMs = 0;
      const reading = (async () => {
        while (performance.now() - beganAtMs < 2_000) {
          const { tookMs } = await timed(() => rig.load('dog', () => 'Rex'));
          longestMs = Math.max(longestMs, tookMs);
          await pause(5);
        }
      })();
      await group.promoted();
      await until(
        'evictions are confirmed',
        () =>
          rig.evict('cat').then(
            () => true,
            () => false,
          ),
        20_000,
      );
      await reading;
      expect(longestMs).toBeLessThan(900);
      group.master.resume();
      await rig.set('cat', 'new');
      await until('the old master follows', async () => (await group.master.role()) === 'slave', 20_000);
      expect(await rig.get('cat')).toBe('new');
      expect(await group.replica.role()).toBe('master');
    },
  );

  itConcurrent(
    'A35, A37: an eviction that the next master never heard of is sent again before any caller reads',
    async () => {
      const group = await start();
      const rig = await ready(group);
      await rig.set('cat', 'old');
      await rig.set('dog', 'old', { tags: ['red'] });
      await until('the replica has them', async () => Number(await group.replica.command('DBSIZE')) >= 5);
      // From here on nothing reaches the replica: it hangs, and what the master says waits nowhere for it.
      group.replica.halt();
      await group.master.command('CLIENT', 'KILL', 'TYPE', 'replica');
      await rig.evict('cat');
      await rig.invalidateTag('red');
      await group.master.kill();
      group.replica.resume();
      const seen = new Set<unknown>();
      const watching = until(
        'the next master is used',
        async () => {
          seen.add(await rig.get('cat')).add(await rig.get('dog'));
          await rig.load('probe', () => 1);
          return (await rig.get('probe')) === 1;
        },
        45_000,
      );
      await Promise.all([group.promoted(), watching]);
      seen.add(await rig.get('cat')).add(await rig.get('dog'));
      expect([...seen]).toEqual([undefined]);
    },
  );

  itConcurrent('A35: a failover that sentinels tell of while they are asked for the master is survived', async () => {
    const group = await start();
    const slow = await slowed(group);
    const sentinels = [{ host: '127.0.0.1', port: slow.port }];
    // A sentinel may take a quarter of it.
    const rig = await here().machines.ready({ sentinels, name: MASTER_NAME, connectTimeout: '16s' });
    await rig.set('cat', 'Tom');
    // A client that asks this one, which is the first to be asked, is still waiting when the others tell.
    slow.delayMs = 3_000;
    await group.master.kill();
    await group.promoted();
    await pause(1_000);
    slow.delayMs = 0;
    const isStored = (): Promise<boolean> =>
      rig.set('cat', 'Kit').then(
        () => true,
        () => false,
      );
    await until('the next master is used', isStored, 20_000);
  });

  itConcurrent('A67: sentinels that are all slow are asked again, with more time', async () => {
    const group = await start();
    const slow = await slowed(group);
    slow.delayMs = 500;
    const sentinels = [{ host: '127.0.0.1', port: slow.port }];
    const clientOptions = { updateSentinels: false };
    const rig = await here().machines.ready({ sentinels, name: MASTER_NAME, clientOptions });
    const isStored = (): Promise<boolean> =>
      rig.set('cat', 'Tom').then(
        () => true,
        () => false,
      );
    await until('the master is used', isStored, 20_000);
  });

  // These two by themselves: sockets and timers of the process are counted.
  it('A67: a client that is closed while its socket connects listens to no sentinel afterwards', async () => {
    const group = await start();
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = sockets();
    const sentinelRetryStrategy = (): null => null;
    const options = {
      sentinels: group.addresses,
      name: MASTER_NAME,
      failoverDetector: true,
      sentinelMaxConnections: 10,
    };
    const connector = new MasterConnector({
      ...options,
      role: 'master',
      disconnectTimeout: 200,
      sentinelRetryStrategy,
    });
    const socket = await connector.connect(() => undefined);
    const isConnected = once(socket, 'connect');
    connector.disconnect();
    await isConnected;
    await until('no socket is left', () => sockets() <= before, 5_000);
    await pause(500);
    expect(sockets()).toBeLessThanOrEqual(before);
  });

  it('A38: when all sentinels are gone, the connection that is there works on', async () => {
    const group = await start();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const rig = await ready(group);
    await rig.set('cat', 'Tom');
    await Promise.all(group.sentinels.map((sentinel) => sentinel.kill()));
    await pause(500);
    expect(await rig.get('cat')).toBe('Tom');
    expect(await rig.evict('cat')).toBe(1);
    // An application that ends now is not kept by connections that have ended before.
    await here().machines.close();
    await until('nothing is waited for', () => timers() <= before, 1_000);
  });
});
