import type { Clock } from '../../../lib/core/clock.js';
import type { Rig } from '../machine/rig.js';
import { pause, until } from '../redis/redis-process.js';
import { levelOf, near } from './tiered-machines.js';

/** Every kind of change, one after the other, and each is received. */
export async function everyChange(a: Rig<Clock>, b: Rig<Clock>): Promise<void> {
  const changes = [
    () => a.evict('tom'),
    () => a.set('tom', 2),
    () => a.put('tom', async () => 3),
    () => a.machine.engine.writes.expire(a.key('tom'), 60_000, a.policy()),
    () => a.machine.engine.writes.increment(a.key('tom'), 1, a.policy()),
    () => a.invalidateTag('red'),
    () => a.removeMatching('t*'),
    () => a.clear(),
  ];
  for (const [at, change] of changes.entries()) {
    await a.set('tom', 1, { tags: ['red'] });
    await near(b, 'tom');
    await pause(60);
    await near(b, 'tom');
    await change();
    await until(`the message of change ${at}`, async () => (await levelOf(b, 'tom')) !== 'l1');
  }
}
