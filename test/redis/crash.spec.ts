/** Processes that are killed at the worst moment, and what the others notice of it. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../lib/core/clock.js';
import { Rig } from '../support/machine/rig.js';
import { redisFactory } from '../support/redis/redis-machine.js';
import { timed } from '../support/redis/machines.js';
import { pause, randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

const CHILDREN = fileURLToPath(new URL('../support/children/', import.meta.url));

describeWithRedis('a process killed', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it('A48: in the middle of its load keeps others waiting no longer than its lease', async () => {
    const prefix = randomPrefix();
    const rig = await ready(prefix);
    await killed(await child(prefix, 'in a load'));
    const { answer, tookMs } = await timed(() => rig.load('tom', () => 'Tom'));
    expect(answer).toBe('Tom');
    expect(tookMs).toBeGreaterThan(100);
    expect(tookMs).toBeLessThan(3_000);
    expect(await rig.get('tom')).toBe('Tom');
  });

  it('A49: between its change and its evict leaves the old value for its ttl, and no longer', async () => {
    const prefix = randomPrefix();
    const rig = await ready(prefix);
    await killed(await child(prefix, 'before an evict'));
    expect(await rig.load('tom', () => 'new', { ttl: '3s' })).toBe('old');
    await pause(3_100);
    expect(await rig.load('tom', () => 'new', { ttl: '3s' })).toBe('new');
  });

  async function child(prefix: string, what: string): Promise<ChildProcess> {
    const args = ['--import', `${CHILDREN}typescript.mjs`, `${CHILDREN}crashing.mjs`, server.url, prefix, what];
    const it = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    await once(it.stdout, 'data');
    return it;
  }

  async function ready(prefix: string): Promise<Rig<typeof systemClock>> {
    const backend = redisFactory({ url: server.url, prefix, timeout: '2s' });
    const rig = new Rig({ backend, clock: systemClock });
    await rig.backend.open?.();
    return rig;
  }
});

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
