import { expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { MemoryStore } from '../../../lib/backends/memory/store.js';
import type { SingleFlight } from '../../../lib/engine/single-flight.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { Rig } from '../../support/machine/rig.js';

it('after five thousand calls of every kind nothing is left but what is stored: no lease, flight, refresh, timer or group', async () => {
  const rig = new Rig({ isHeard: false, backend: memory({ maxEntries: 500 }) });
  const random = seededRandom(11);
  const policy = { ttl: 20, staleWhileRevalidate: 30, staleIfError: 100 };
  const pending: Promise<unknown>[] = [];
  for (let step = 0; step < 5_000; step++) {
    const options = { ...policy, tenant: `t${step % 40}`, tags: [`tag${step % 3}`] };
    const name = random() < 0.5 ? step : step % 50;
    const act = random();
    const loader = async (): Promise<number> => {
      if (random() < 0.5) await rig.clock.sleep(random() * 30);
      if (random() < 0.1) throw new Error('down');
      return step;
    };
    if (act < 0.8) pending.push(rig.load(name, loader, options).catch(() => undefined));
    else if (act < 0.85) pending.push(rig.put(name, loader, options).catch(() => undefined));
    else if (act < 0.9) pending.push(rig.evict(name, options));
    else if (act < 0.95) pending.push(rig.invalidateTag('tag1', options));
    else pending.push(rig.clear({ tenant: options.tenant }));
    if (step % 100 === 99) await rig.clock.advance(10);
  }
  await rig.clock.advance(200);
  await Promise.all(pending);
  expect(rig.clock.pendingTimers).toBe(0);
  const { engine, backend } = rig.machine;
  const { load, refresher } = engine as unknown as {
    load: {
      parts: { flights: SingleFlight };
      polling: { scheduled: Map<string, unknown> };
      requests: { pending: Map<string, unknown> };
    };
    refresher: { underWay: Set<string> };
  };
  expect(load.parts.flights.size).toBe(0);
  expect(load.polling.scheduled.size).toBe(0);
  expect(load.requests.pending.size).toBe(0);
  expect(refresher.underWay.size).toBe(0);
  const { store } = backend as unknown as { store: MemoryStore };
  for (const partition of store.allPartitions()) expect(partition.leases).toBeUndefined();
  await engine.writes.clearEverything(rig.space());
  expect(store.size).toBe(0);
  expect([...store.allPartitions()]).toEqual([]);
}, 30_000);

it('an outage leaves nothing behind either', async () => {
  const backend = chaos(memory(), { seed: 3, throwRate: 0.3, dropRate: 0.2, turns: 1 });
  const rig = new Rig({ isHeard: false, backend, limits: { lease: 100, maxWait: 200 } });
  const pending: Promise<unknown>[] = [];
  for (let step = 0; step < 600; step++) {
    pending.push(rig.load(step % 20, () => rig.clock.sleep(5), { ttl: 10 }));
    if (step % 20 === 19) await rig.clock.advance(7);
  }
  backend.calm();
  await rig.clock.advance(1_000);
  await Promise.all(pending);
  expect(rig.clock.pendingTimers).toBe(0);
  const { load } = rig.machine.engine as unknown as { load: { parts: { flights: SingleFlight } } };
  expect(load.parts.flights.size).toBe(0);
}, 30_000);
