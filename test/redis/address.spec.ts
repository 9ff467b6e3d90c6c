/** A39: a name that stops leading anywhere, and then leads to another address. */
import { afterEach, expect, it, jest } from '@jest/globals';
import dns, { type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { Machines, timed } from '../support/redis/machines.js';
import { cli } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

const NAME = 'redis.cache.test';
type Found = (error: NodeJS.ErrnoException | null, address?: string | LookupAddress[], family?: number) => void;

describeWithRedis('a server known by its name', () => {
  const machines = new Machines();
  const servers: RedisProcess[] = [];
  const real = dns.lookup;
  let address: string | undefined;
  let questions = 0;
  afterEach(async () => {
    dns.lookup = real;
    await machines.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  const lookup = (name: string, options: { all?: boolean }, found: Found): void => {
    if (name !== NAME) {
      (real as (name: string, options: object, found: Found) => void)(name, options, found);
      return;
    }
    questions++;
    if (address === undefined) found(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }));
    else if (options.all === true) found(null, [{ address, family: isIP(address) }]);
    else found(null, address, isIP(address));
  };

  it('A39: is looked up again for every connection: while there is no address loaders run, then the new one is used', async () => {
    const first = await RedisProcess.start();
    const second = await RedisProcess.start({
      port: first.port,
      config: { bind: '127.0.0.2', 'protected-mode': 'no' },
    });
    servers.push(first, second);
    address = '127.0.0.1';
    dns.lookup = lookup as typeof dns.lookup;
    const rig = await machines.ready({ url: `redis://${NAME}:${first.port}` });
    await rig.set('cat', 'of the first');
    await rig.evict('dog');
    expect(questions).toBe(1);

    address = undefined;
    await first.kill();
    for (let round = 0; round < 20; round++) {
      const { answer, tookMs } = await timed(() => rig.load('cat', () => 'loaded'));
      expect(answer).toBe('loaded');
      expect(tookMs).toBeLessThan(600);
    }
    await until('it is told', () => rig.recorded.of('warning').some(({ message }) => message.includes('ENOTFOUND')));

    address = '127.0.0.2';
    await until('the other server is used', async () => {
      await rig.load('bird', () => 'of the second');
      return (await rig.get('bird')) === 'of the second';
    });
    expect(await rig.get('cat')).toBeUndefined();
    const onSecond = Number(await cli('-h', '127.0.0.2', '-p', String(first.port), 'DBSIZE'));
    expect(onSecond).toBeGreaterThan(0);
    expect(await rig.evict('bird')).toBe(1);
    // The line of the outage names it, for the people who read it; nothing else does.
    const events = rig.recorded.events.filter(({ type }) => type !== 'warning');
    expect(JSON.stringify(events)).not.toContain(NAME);
  });

  it('A39: when one of several connections is led to another server, the others follow', async () => {
    const first = await RedisProcess.start();
    const second = await RedisProcess.start({
      port: first.port,
      config: { bind: '127.0.0.2', 'protected-mode': 'no' },
    });
    servers.push(first, second);
    const onSecond = (...args: (string | number)[]): Promise<string> =>
      cli('-h', '127.0.0.2', '-p', ...[first.port, ...args].map(String));
    const ids = (list: string): string[] => [...list.matchAll(/^id=(\d+) .*name=ours/gm)].map(([, id]) => String(id));
    address = '127.0.0.1';
    dns.lookup = lookup as typeof dns.lookup;
    const rig = await machines.ready({
      url: `redis://${NAME}:${first.port}`,
      maxConnections: 3,
      clientOptions: { connectionName: 'ours' },
    });
    await rig.set('cat', 'old', { tags: ['red'] });
    await onSecond('REPLICAOF', '127.0.0.1', first.port);
    await until('it has the same', async () => Number(await onSecond('DBSIZE')) > 1);
    await onSecond('REPLICAOF', 'NO', 'ONE');
    address = '127.0.0.2';
    const list = async (): Promise<string[]> => ids(String(await first.command('CLIENT', 'LIST')));
    await until('all are connected', async () => (await list()).length === 3);
    const [one] = await list();
    await first.command('CLIENT', 'KILL', 'ID', String(one));
    await until('one has come', async () => ids(await onSecond('CLIENT', 'LIST')).length > 0);
    await until('it is invalidated', () =>
      rig.invalidateTag('red').then(
        () => true,
        () => false,
      ),
    );
    const inOrder: unknown[] = [];
    for (let turn = 0; turn < 12; turn++) inOrder.push(await rig.get('cat'));
    expect(new Set(inOrder)).toEqual(new Set([undefined]));
    await until('no connection is left behind', async () => (await list()).length === 0);
    await until('all have come', async () => ids(await onSecond('CLIENT', 'LIST')).length === 3);
  });
});
