import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import type { Rig } from '../machine/rig.js';
import type { TcpProxy } from '../proxy/tcp-proxy.js';
import { until } from '../redis/redis-process.js';

const SILENT = { failSilently: true } as const;

/**
 * With `failSilently` calls go on while the server is away, and tell by events; what they could not store or remove does
 * not come back with it: the removals wait in the queue.
 */
export async function proveSilent(rig: Rig<Clock>, proxy: TcpProxy): Promise<void> {
  for (const name of ['set', 'put']) {
    const store = (): Promise<boolean> =>
      rig.set(name, 'old').then(
        () => true,
        () => false,
      );
    await until('the server is there', store);
  }
  proxy.mode = 'refuse';
  proxy.reset();
  await rig.set('set', 'new', SILENT);
  expect(await rig.put('put', () => 'new', SILENT)).toBe('new');
  const { writes } = rig.machine.engine;
  expect(await writes.increment(rig.key('n'), 2, rig.policy(SILENT))).toBe(2);
  expect(await writes.expire(rig.key('set'), 60_000, rig.policy(SILENT))).toBe(false);
  expect(rig.recorded.of('error').length).toBeGreaterThan(3);
  proxy.mode = 'pass';
  const seen: unknown[] = [];
  await until('the server is asked again', async () => {
    seen.push(await rig.get('set'), await rig.get('put'));
    await rig.load('probe', () => 1);
    return (await rig.get('probe')) === 1;
  });
  seen.push(await rig.get('set'), await rig.get('put'));
  expect(seen.filter((value) => value !== undefined)).toEqual([]);
}
