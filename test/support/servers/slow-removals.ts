import { expect, it } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import { InvalidationUnknownError } from '../../../lib/core/errors.js';
import type { Rig } from '../machine/rig.js';
import type { TcpProxy } from '../proxy/tcp-proxy.js';
import { until } from '../redis/redis-process.js';

const ENTRIES = 4_000;
/** Two values, and what is kept about them. */
const FEW = 12;
const DELAY_MS = 250;

/** A walk over the entries takes many times as long as this, once the line is slow. */
export const IMPATIENT = { timeout: '1s', longTimeout: '1500ms' } as const;

export interface SlowStage {
  /** {@link IMPATIENT}, behind the proxy. */
  readonly slow: Rig<Clock>;
  /** On the same keyspace, and in no hurry. */
  readonly quick: Rig<Clock>;
  readonly proxy: TcpProxy;
  /** How many things lie on the server: also what no process can read any more. */
  readonly stored: () => Promise<number>;
}

/** What a caller gets when removing takes longer than `longTimeout`. */
export function proveSlowRemovals(open: () => Promise<SlowStage>): void {
  const populated = async (): Promise<SlowStage> => {
    const stage = await open();
    const { quick, proxy } = stage;
    const reports = Array.from({ length: ENTRIES }, (_, at) => [quick.key(`report:${at}`), 1, quick.policy()] as const);
    await quick.machine.engine.writes.setMany(reports);
    await quick.set('cat', 'kept', { namespace: 'others' });
    proxy.delayMs = DELAY_MS;
    return stage;
  };
  const left = async ({ quick }: SlowStage): Promise<number> =>
    (await quick.backend.usage(quick.view({ namespace: 'cats' }))).entries;

  it('a pattern: that is not known; some are gone and some are served, until it is made up for', async () => {
    const stage = await populated();
    const { slow, quick, proxy } = stage;
    await expect(slow.removeMatching('report:*')).rejects.toBeInstanceOf(InvalidationUnknownError);
    expect(await left(stage)).toBeGreaterThan(0);
    proxy.delayMs = 0;
    await until('all of them are gone', async () => (await left(stage)) === 0);
    expect(await quick.get('cat', { namespace: 'others' })).toBe('kept');
  });

  it('a clear: what it had counted by then; it is over at once all the same, and what came later stays', async () => {
    const stage = await populated();
    const { slow, quick, proxy, stored } = stage;
    const clearing = slow.clear({ namespace: 'cats' });
    await until('it has begun', async () => (await quick.get(`report:${ENTRIES - 1}`)) === undefined);
    expect(await left(stage)).toBe(0);
    await quick.set('new', 'stays');
    const counted = await clearing;
    expect(counted).toBeGreaterThanOrEqual(0);
    expect(counted).toBeLessThan(ENTRIES);
    expect(await quick.get('new')).toBe('stays');
    proxy.delayMs = 0;
    await until('it is tidied up behind', async () => (await stored()) < FEW);
    expect(await quick.get('new')).toBe('stays');
    expect(slow.recorded.of('error')).toEqual([]);
    expect(await quick.get('cat', { namespace: 'others' })).toBe('kept');
  });
}
