import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { BackendFactory, Reading } from '../../../lib/core/backend.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source } from '../../support/machine/rig.js';

describe('set', () => {
  it('stores as of now, counts and tells, each entry once', async () => {
    const rig = new Rig();
    const writes = [rig.key('a'), rig.key('b')].map((key, index) => [key, index, rig.policy()] as const);
    await rig.machine.engine.writes.setMany(writes);
    expect([await rig.get('a'), await rig.get('b')]).toEqual([0, 1]);
    expect(rig.space().stats.sets).toBe(2);
    expect(rig.recorded.of('write')).toHaveLength(2);
    await rig.machine.engine.writes.setMany([]);
  });

  it('readers who were waiting for a load of the key are served what was set', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const source = new Source();
    const early = rig.load('tom', source.load);
    await rig.clock.settle();
    await rig.set('tom', 'set');
    expect(await rig.load('tom', source.load)).toBe('set');
    source.answer(0, 'old');
    expect(await early).toBe('old');
    expect(await rig.get('tom')).toBe('set');
  });
});

describe('a loader that invalidates what it is loading', () => {
  it.each<[string, (rig: Rig) => Promise<unknown>]>([
    ['its own key', (rig) => rig.evict('tom')],
    ['its own tag', (rig) => rig.invalidateTag('pets')],
    ['its tenant', (rig) => rig.clear()],
  ])('%s: the result is returned and not stored', async (_, act) => {
    const rig = new Rig();
    const value = await rig.load(
      'tom',
      async () => {
        await act(rig);
        return 'Tom';
      },
      { tags: ['pets'] },
    );
    expect(value).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
  });
});

describe('counting', () => {
  it('has no second life, whatever the policy says about old values', async () => {
    const rig = new Rig();
    const policy = rig.policy({ ttl: '1m', staleWhileRevalidate: '1h', staleIfError: '1h' });
    const { writes } = rig.machine.engine;
    expect(await writes.increment(rig.key('calls'), 5, policy)).toBe(5);
    await rig.clock.advance(60_000);
    expect(await writes.increment(rig.key('calls'), 1, policy)).toBe(1);
  });
});

describe('what is counted and told', () => {
  it('evictions: by name, by pattern and by clear, as many as were live', async () => {
    const rig = new Rig();
    for (const name of ['a', 'b', 'c', 'd']) await rig.set(name, 1);
    await rig.set('other', 1, { tenant: 'beta' });
    expect(await rig.evict('a')).toBe(1);
    expect(await rig.removeMatching('[bc]')).toBe(2);
    expect(await rig.clear()).toBe(1);
    expect(rig.space().stats.evictions).toBe(4);
    expect(rig.space({ tenant: 'beta' }).stats.evictions).toBe(0);
    expect(rig.recorded.of('evict')).toMatchObject([{ requested: 1, removed: 1 }]);
    expect(rig.recorded.of('clear').map(({ removed }) => removed)).toEqual([2, 1]);
  });

  it('every call of getOrSet counts once: as hit, stale, miss, coalesced or bypass', async () => {
    const backend = chaos(memory(), { seed: 5, throwRate: 0.2, turns: 2 });
    const rig = new Rig({ backend });
    const policy = { ttl: 50, staleWhileRevalidate: 20, staleIfError: 100, softTimeout: 10 };
    let calls = 0;
    for (let round = 0; round < 60; round++) {
      const some = Array.from({ length: 4 }, (_, index) => {
        calls++;
        return rig
          .load(
            index % 2,
            async () => {
              await rig.clock.sleep(15);
              if (round % 7 === 3) throw new Error('down');
              return round;
            },
            policy,
          )
          .catch(() => undefined);
      });
      await rig.clock.advance(17);
      await rig.clock.advance(40);
      await Promise.all(some);
    }
    const { hits, stale, misses, coalesced, bypasses } = rig.space().stats;
    expect(hits + stale + misses + coalesced + bypasses).toBe(calls);
    expect(Math.min(hits, stale, misses, coalesced, bypasses)).toBeGreaterThan(0);
  });

  it('nothing of a key but eight characters of a digest, and never a value, reaches an observer', async () => {
    const rig = new Rig();
    const canary = 'canary-7f3a';
    await rig.load(canary, () => canary, { tags: [canary], rules: { tags: () => [canary] } });
    await rig.load(canary, () => canary);
    await rig.load([canary, 1], () => Symbol(canary));
    await rig.load([canary, 2], () => canary, { ttl: (() => thrower(canary)) as never });
    await rig.put(canary, () => canary);
    await rig.set(canary, canary);
    await rig.set(canary, () => canary).catch(() => undefined);
    await rig.evict(canary);
    await rig.invalidateTag(canary);
    await rig.removeMatching(`${canary}*`);
    await rig.clear({ tenant: canary });
    const told = rig.recorded.events.filter((event) => event.type !== 'error');
    expect(JSON.stringify(told)).not.toContain(canary);
    expect(told.length).toBeGreaterThan(10);
  });
});

describe('what else is asked of the backend', () => {
  it('is passed on: usage, facts and a ping', async () => {
    const backend = chaos(memory(), { operations: { ping: { delayMs: [7, 7] } } });
    const { machine, clock, ...rig } = new Rig({ backend });
    expect(rig.recorded.events).toEqual([]);
    await machine.engine.open();
    const info = await machine.engine.info();
    expect(info).toMatchObject({ kind: 'memory', entries: 0 });
    expect(await machine.engine.holdings(undefined)).toEqual({ usage: { entries: 0, bytes: 0 }, info });
    const ping = machine.engine.ping();
    await clock.advance(7);
    expect(await ping).toBe(7);
  });
});

it('what a backend holds is unknown while it does not answer', async () => {
  for (const operation of ['usage', 'info']) {
    const { machine } = new Rig({ backend: chaos(memory(), { operations: { [operation]: { throwRate: 1 } } }) });
    expect(await machine.engine.holdings(undefined)).toBeUndefined();
  }
});

describe('a value that says it belongs to another key', () => {
  /** A backend that answers reads of `tom` with what it has under `kit`: a reply that came out of order. */
  function desynchronised(): BackendFactory {
    const inner = memory();
    return {
      kind: 'desynchronised',
      create: (parts) => {
        const backend = inner.create(parts);
        const read = backend.read.bind(backend);
        const lease = backend.lease.bind(backend);
        const kitOf = (key: Parameters<typeof read>[0]): Reading =>
          read({ ...key, text: key.text.replace('tom', 'kit') } as Parameters<typeof read>[0]) as Reading;
        return Object.assign(backend, {
          read: (key: Parameters<typeof read>[0]) => (key.id.includes('tom') ? kitOf(key) : read(key)),
          readMany: (keys: readonly Parameters<typeof read>[0][]) => keys.map(kitOf),
          lease: (key: Parameters<typeof read>[0], request: Parameters<typeof lease>[1]) =>
            key.id.includes('tom') && request.purpose === 'missing'
              ? { kind: 'found' as const, reading: kitOf(key) }
              : lease(key, request),
        });
      },
    };
  }

  it('is a miss, never a value, and an alarm; the caller is answered by its loader without waiting', async () => {
    const rig = new Rig({ backend: desynchronised() });
    await rig.load('kit', () => 'secret of Kit');
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.machine.engine.has(rig.key('tom'), rig.policy())).toBe(false);
    const frame = rig.machine.context.current();
    const [many] = await rig.machine.engine.getMany([{ key: rig.key('tom'), policy: rig.policy(), frame }]);
    expect(many).toBeUndefined();
    expect(rig.recorded.of('identity-mismatch').length).toBeGreaterThan(0);
    expect(rig.space().stats.errors).toBeGreaterThan(0);
  });

  it('a backend that answers every question with it is waited out, and the loader answers', async () => {
    const inner = desynchronised();
    const stubborn: BackendFactory = {
      kind: 'stubborn',
      create: (parts) => {
        const backend = inner.create(parts);
        const lease = backend.lease.bind(backend);
        return Object.assign(backend, {
          lease: (key: Parameters<typeof lease>[0], request: Parameters<typeof lease>[1]) =>
            lease(key, key.id.includes('tom') ? { ...request, purpose: 'missing' } : request),
        });
      },
    };
    const rig = new Rig({ backend: stubborn, limits: { maxWait: '1s' } });
    await rig.load('kit', () => 'secret of Kit');
    const call = rig.load('tom', () => 'Tom');
    await rig.clock.advance(1_100);
    expect(await call).toBe('Tom');
    expect(rig.recorded.of('bypass')).toMatchObject([{ reason: 'waited-too-long' }]);
  });

  it('is not handed to the loader as its previous value, nor served when it fails', async () => {
    const rig = new Rig({ backend: desynchronised() });
    const policy = { ttl: '1m', staleIfError: '1h', staleWhileRevalidate: '1h' } as const;
    await rig.load('kit', () => 'secret of Kit', policy);
    await rig.clock.advance(60_000);
    const seen: unknown[] = [];
    const failing = rig.load('tom', ({ previous }) => (seen.push(previous), Promise.reject(new Error('down'))), policy);
    await expect(failing).rejects.toThrow('down');
    expect(seen).toEqual([undefined]);
  });
});

function thrower(text: string): never {
  throw new Error(text);
}
