/** What was learnt of a master of a cluster is not believed of it when it comes back with other data. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Machines } from '../support/redis/machines.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { type RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

describeWithRedis('the state string on a cluster', () => {
  let node: RedisProcess;
  const machines = new Machines();
  beforeAll(async () => {
    node = await clusterOfOne();
    await node.command('CONFIG', 'SET', 'save', '3600 1');
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
  });
  afterAll(async () => {
    await machines.close();
    await node.stop();
  });

  it('A90: labels that were learnt of a master are not believed when it comes back in its place with other data', async () => {
    const options = { timeout: '5s', cluster: [{ host: '127.0.0.1', port: node.port }] } as const;
    const leaving = new Machines();
    const rig = await machines.ready(options);
    const other = await leaving.ready(options, undefined, machines.prefix);
    await rig.set('cat', 'old', { tags: ['red'] });
    await rig.set('cow', 'kept');
    // More than the string names.
    for (let number = 0; number < 12; number++) await other.invalidateTag(`tag ${number}`);
    await other.invalidateTag('blue');
    // It would say its last invalidations again.
    await leaving.close();
    expect([await rig.get('cat'), await rig.get('cow')]).toEqual(['old', 'kept']);
    const hash = `${machines.prefix}:2:{t.acme}:m`;
    const fields = (await node.command('HKEYS', hash)) as string[];
    const blue = fields.find((field) => field.includes('blue')) as string;
    const bulk = (await node.command('HGET', hash, 'b')) as string;
    await node.command('HSET', hash, blue.replace('blue', 'red'), bulk);
    await node.command('SAVE');
    await node.restart();
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    const seen = new Set<unknown>();
    await until('the master is used again', async () => {
      seen.add(await rig.get('cat'));
      return (await rig.get('cow')) === 'kept';
    });
    seen.add(await rig.get('cat'));
    expect([...seen]).toEqual([undefined]);
  });
});
