import { describe, expect, it } from '@jest/globals';
import { TurnEvictions } from '../../../../lib/backends/redis/evictions.js';
import type { RedisPool } from '../../../../lib/backends/redis/connection/pool.js';
import type { Shard } from '../../../../lib/backends/redis/shards.js';
import { redisShards } from '../../../../lib/backends/redis/shards.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import { Rig } from '../../../support/machine/rig.js';

const MOST = 4;

describe('evictions of one turn', () => {
  const rig = new Rig();
  const shards = redisShards('p:', 1);
  const keysOf = (tenant: string, ...names: string[]): readonly Key[] => names.map((name) => rig.key(name, { tenant }));
  const shardOf = ([key]: readonly Key[]): Shard => shards.of(key as Key);
  const started = (answer: (keys: readonly Key[]) => Promise<readonly boolean[]>) => {
    const sent: number[] = [];
    const pool: Pick<RedisPool, 'beforeSending'> = { beforeSending: undefined };
    const evictions = new TurnEvictions(pool, MOST, (_, keys) => {
      sent.push(keys.length);
      return answer(keys);
    });
    const evict = (tenant: string, ...names: string[]): Promise<number> => {
      const keys = keysOf(tenant, ...names);
      return evictions.evict(shardOf(keys), keys);
    };
    return { sent, pool, evict };
  };

  it('of one shard are sent together, at most so many keys, and each call hears of its own', async () => {
    const { sent, evict } = started(async (keys) => keys.map((_, at) => at % 2 === 0));
    const calls = [evict('a', '1', '2', '3'), evict('b', '1'), evict('a', '4', '5'), evict('a', '6')];
    expect(sent).toEqual([3, 1]);
    expect(await Promise.all(calls)).toEqual([2, 1, 1, 1]);
    expect(sent).toEqual([3, 1, 3]);
  });

  it('are sent before what comes behind them, once', async () => {
    const { sent, pool, evict } = started(async (keys) => keys.map(() => true));
    expect(pool.beforeSending).toBeUndefined();
    const calls = [evict('a', '1'), evict('a', '2')];
    expect(sent).toEqual([]);
    const sendNow = pool.beforeSending;
    sendNow?.();
    expect(sent).toEqual([2]);
    // Nothing waits: what is sent next has nothing to ask.
    expect(pool.beforeSending).toBeUndefined();
    sendNow?.();
    calls.push(evict('a', '3'));
    expect(await Promise.all(calls)).toEqual([1, 1, 1]);
    expect(sent).toEqual([2, 1]);
  });

  it('A94: fail for each of their calls, and for no call of another shard', async () => {
    const { evict } = started(async (keys) => {
      if (keys.some(({ id }) => id.startsWith('t.a/'))) throw new Error('cut');
      return keys.map(() => true);
    });
    const outcomes = await Promise.allSettled([evict('a', '1'), evict('b', '1'), evict('a', '2')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });
});
