/** The published rights, on a cluster: what its client asks for beside them, and nothing more. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { ACL_CLUSTER_RULES, aclRules } from '../fixtures/redis-acl.js';
import { Machines } from '../support/redis/machines.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { pause, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

describeWithRedis('a user with the published rights on a cluster', () => {
  const machines = new Machines();
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(async () => {
    await machines.close();
    await cluster.stop();
  });
  const allow = (name: string, ...rules: readonly string[]): Promise<unknown> =>
    Promise.all(
      cluster.nodes.map((node) =>
        node.command('ACL', 'SETUSER', name, 'reset', 'on', '>x', ...aclRules('t*'), ...rules),
      ),
    );

  it('stores, reads, counts, invalidates and clears', async () => {
    await allow('cache', ...ACL_CLUSTER_RULES.split(' '));
    const rig = await machines.ready({ cluster: cluster.startNodes, username: 'cache', password: 'x' });
    await rig.set('cat', 'Tom', { tags: ['red'] });
    expect(await rig.get('cat')).toBe('Tom');
    expect(await rig.load('dog', () => 'Rex')).toBe('Rex');
    await rig.invalidateTag('red');
    expect(await rig.get('cat')).toBeUndefined();
    expect(await rig.evict('dog')).toBe(1);
    expect(rig.recorded.of('error')).toEqual([]);
    expect(rig.recorded.of('warning')).toEqual([]);
  });

  it('A83: without the right to INFO it works, and is told once for all nodes what goes unnoticed', async () => {
    await allow('blind', ...ACL_CLUSTER_RULES.split(' '), '-info');
    // ioredis says there that it goes without its own question.
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const rig = await machines.ready({ cluster: cluster.startNodes, username: 'blind', password: 'x' });
    await rig.set('cat', 'Tom');
    expect(await rig.get('cat')).toBe('Tom');
    await until('it is told', () => rig.log.length > 0);
    await pause(1_100);
    expect(rig.log).toEqual([
      expect.stringMatching(/redis\.cluster: its nodes may not be asked with INFO: .*unnoticed.* \+info/),
    ]);
    jest.restoreAllMocks();
  });

  it.each(ACL_CLUSTER_RULES.split(' '))('%s is needed', async (rule) => {
    const others = ACL_CLUSTER_RULES.split(' ').filter((each) => each !== rule);
    await allow('less', ...others);
    const rig = machines.on({ cluster: cluster.startNodes, username: 'less', password: 'x', connectTimeout: '1s' });
    expect(await rig.load('cat', () => 'Tom')).toBe('Tom');
    await expect(rig.evict('cat')).rejects.toThrow();
  });
});
