import { expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { systemClock } from '../../lib/core/clock.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { Rig } from '../support/machine/rig.js';

const CALLS = 1_000_000;
const ROUNDS = 10;

/** Megabytes in use when nothing is left that could be collected. */
async function heapMb(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 5; turn++) {
    await systemClock.breathe();
    collect();
  }
  return process.memoryUsage().heapUsed / 1_048_576;
}

it('a million calls with keys that never come again leave the heap as it was (A66)', async () => {
  const rig = new Rig({ backend: memory({ maxEntries: 2_000 }), clock: systemClock, isHeard: false });
  const random = seededRandom(1);
  let key = 0;
  const call = async (): Promise<void> => {
    key++;
    const options = { tenant: `t${key % 500}`, ttl: 50, staleWhileRevalidate: 50, tags: [`tag${key % 50}`] };
    const act = random();
    if (act < 0.9) {
      await rig
        .load(key, async () => (random() < 0.1 ? Promise.reject(new Error('down')) : { key }), options)
        .catch(() => undefined);
    } else if (act < 0.94) await rig.put(key, () => ({ key }), options);
    else if (act < 0.97) await rig.invalidateTag(`tag${key % 50}`, options);
    else await rig.evict(key - 1, options);
  };
  const heaps: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let at = 0; at < CALLS / ROUNDS; at += 100) await Promise.all(Array.from({ length: 100 }, call));
    heaps.push(await heapMb());
  }
  const [, first = 0] = heaps;
  // The first round warms up. After it, nothing may grow with the number of calls: 800,000 keys would be tens of megabytes.
  expect(Math.max(...heaps.slice(2)) - first).toBeLessThan(5);
  expect(rig.backend).toHaveProperty('kind', 'memory');
}, 600_000);
