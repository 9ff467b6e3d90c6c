import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { Backend } from '../../../lib/core/backend.js';
import { compileGlob } from '../../../lib/core/keys/glob.js';
import { KeyFactory, type Key } from '../../../lib/core/keys/key.js';
import { scopeOf } from '../../../lib/core/keys/scope.js';
import { StatsRegistry } from '../../../lib/core/keys/stats-registry.js';
import { chaos, ChaosError, type Chaos } from '../../../lib/testing/chaos.js';
import type { ChaosOptions } from '../../../lib/testing/chaos.options.js';
import { FakeClock } from '../../../lib/testing/fake.clock.js';
import { recordEvents } from '../../../lib/testing/record-events.js';
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { backendParts } from '../../support/machine/backends.js';
import { errorOf } from '../../support/machine/rig.js';

const keyFactory = new KeyFactory({}, new StatsRegistry());
const SPACE = keyFactory.space(scopeOf({ tenant: 'acme' }), 'tenant', 'cats');

function make(options?: ChaosOptions): { line: Chaos; backend: Backend; clock: FakeClock; key: Key } {
  const clock = new FakeClock();
  const line = chaos(memory(), options);
  return { line, backend: line.create(backendParts({ clock })), clock, key: keyFactory.key(SPACE, ['tom'], []) };
}

function draft(key: Key, value: unknown): Parameters<Backend['write']>[1] {
  return { value, labels: key.labels, freshForMs: 1_000, keptForMs: 1_000, isolation: undefined };
}

async function valueOf(backend: Backend, key: Key): Promise<unknown> {
  return (await backend.read(key)).entry?.value;
}

describe('a backend in chaos', () => {
  it('undisturbed does what its backend does, later', async () => {
    const { backend, key, line } = make();
    expect(backend.read(key)).toBeInstanceOf(Promise);
    await backend.write(key, draft(key, 1));
    expect(await valueOf(backend, key)).toBe(1);
    expect([line.kind, backend.kind]).toEqual(['memory', 'memory']);
    expect([line.calls('read'), line.calls('write'), line.calls()]).toEqual([2, 1, 3]);
  });

  it('passes every operation on', async () => {
    const { backend, key, line } = make();
    const selection = { view: keyFactory.view(SPACE.scope, 'tenant', 'cats'), match: compileGlob('*') };
    await backend.writeMany([[key, draft(key, 1)]]);
    expect((await backend.readMany([key]))[0]?.entry?.value).toBe(1);
    expect(await backend.increment(key, 2, draft(key, 0))).toBe(3);
    expect(await backend.expire(key, 500, 500)).toBe(true);
    expect((await backend.scan(selection, undefined)).keys).toEqual(['tom']);
    expect((await backend.usage(undefined)).entries).toBe(1);
    expect((await backend.info()).entries).toBe(1);
    await backend.ping();
    const reply = await backend.lease(key, { leaseMs: 100, purpose: 'refresh' });
    if (reply.kind !== 'granted') throw new Error(reply.kind);
    expect(await backend.renew(reply.lease, 100)).toBe(true);
    await backend.release(reply.lease);
    expect(await backend.fill(reply.lease, draft(key, 9))).toBe('lease-lost');
    await backend.invalidate(SPACE.partition, []);
    expect(await backend.removeMatching(selection)).toBe(1);
    expect(await backend.clear(selection.view)).toBe(0);
    expect(await backend.clearEverything()).toBe(0);
    expect(await backend.evict([key])).toBe(0);
    expect(line.calls()).toBe(17);
    await backend.close();
    expect(line.calls()).toBe(17);
  });

  it('passes on how an answer is to be treated', async () => {
    const asked: unknown[] = [];
    const nobody: Backend = Object.assign(make().backend, {
      read: (_key: Key, how: unknown) => asked.push(how),
      readMany: (_keys: readonly Key[], how: unknown) => asked.push(how),
    }) as never;
    const backend = chaos({ kind: 'tiered', create: () => nobody }).create(backendParts({ clock: new FakeClock() }));
    const { key } = make();
    const how = { level: 'l2', checkedSinceMs: 7 } as const;
    await backend.read(key, how);
    await backend.readMany([key], how);
    expect(asked).toEqual([how, how]);
  });

  it('fails the next calls of one operation, without doing anything', async () => {
    const { backend, key, line } = make();
    const mine = new Error('mine');
    line.failNext('write', 2);
    line.failNext('write', 1, mine);
    expect(await errorOf(Promise.resolve(backend.write(key, draft(key, 1))))).toMatchObject({ wasApplied: false });
    expect(await errorOf(Promise.resolve(backend.write(key, draft(key, 1))))).toBeInstanceOf(ChaosError);
    expect(await errorOf(Promise.resolve(backend.write(key, draft(key, 1))))).toBe(mine);
    expect(await valueOf(backend, key)).toBeUndefined();
    await backend.write(key, draft(key, 1));
    expect(await valueOf(backend, key)).toBe(1);
  });

  it('loses replies: the work is done, and the caller gets an error', async () => {
    const { backend, key, line } = make();
    line.dropNext('write');
    expect(await errorOf(Promise.resolve(backend.write(key, draft(key, 1))))).toMatchObject({ wasApplied: true });
    expect(await valueOf(backend, key)).toBe(1);
  });

  it('can be down as a whole, and comes back', async () => {
    const { backend, key, line } = make();
    line.break();
    await expect(backend.read(key)).rejects.toThrow(ChaosError);
    await expect(backend.ping()).rejects.toThrow(ChaosError);
    line.heal();
    await backend.ping();
  });

  it('holds requests before they are done, or replies after, until they are let go in their order', async () => {
    const { backend, key, clock, line } = make();
    line.pause('write');
    const first = backend.write(key, draft(key, 1));
    const second = backend.write(key, draft(key, 2));
    await clock.settle();
    expect(line.waiting('write')).toBe(2);
    expect(await valueOf(backend, key)).toBeUndefined();
    line.pause('write', 'reply');
    line.resume('write');
    await clock.settle();
    expect(await valueOf(backend, key)).toBe(2);
    expect([line.waiting('write'), line.waiting('write', 'reply')]).toEqual([0, 2]);
    line.holdNoMore('write', 'reply');
    await backend.write(key, draft(key, 3));
    expect(line.waiting('write', 'reply')).toBe(2);
    line.resume('write', 'reply');
    await Promise.all([first, second]);
  });

  it('is late on the clock of the cache', async () => {
    const { backend, key, clock } = make({ operations: { read: { delayMs: [50, 50] } } });
    let isRead = false;
    void Promise.resolve(backend.read(key)).then(() => (isRead = true));
    await clock.advance(49);
    expect(isRead).toBe(false);
    await clock.advance(1);
    expect(isRead).toBe(true);
    await backend.write(key, draft(key, 1));
  });

  it('fails at random as often as told, the same way for the same seed, and can be calmed', async () => {
    const fates = async (seed: number): Promise<string> => {
      const { backend, key, line } = make({ seed, throwRate: 0.3, dropRate: 0.2 });
      let all = '';
      for (let call = 0; call < 400; call++) {
        const error = await Promise.resolve(backend.read(key)).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        all += error === undefined ? '.' : (error as ChaosError).wasApplied ? 'd' : 't';
      }
      line.calm();
      for (let call = 0; call < 50; call++) await backend.read(key);
      return all;
    };
    const [one, same, other] = [await fates(1), await fates(1), await fates(2)];
    expect(one).toBe(same);
    expect(one).not.toBe(other);
    expect(one.split('t').length - 1).toBeGreaterThan(80);
    expect(one.split('t').length - 1).toBeLessThan(160);
    expect(one.split('d').length - 1).toBeGreaterThan(45);
    expect(one.split('d').length - 1).toBeLessThan(120);
  });
});

describe('recorded events', () => {
  it('are kept in order, told apart by type, and forgotten on request', () => {
    const recorded = recordEvents();
    recorded.observer({ type: 'warning', message: 'a' });
    recorded.observer({ type: 'everything-cleared', removed: 3, cause: 'clear', durationMs: 1 });
    recorded.observer({ type: 'warning', message: 'b' });
    expect(recorded.types()).toEqual(['warning', 'everything-cleared', 'warning']);
    expect(recorded.of('warning').map(({ message }) => message)).toEqual(['a', 'b']);
    recorded.clear();
    expect(recorded.events).toEqual([]);
  });
});

describe('seeded numbers', () => {
  it('come again with their seed, and lie evenly between 0 and 1', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 10_000 }, random);
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const numbers = draw(7);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
      expect(Math.abs(share - 1_000)).toBeLessThan(150);
    }
  });
});
