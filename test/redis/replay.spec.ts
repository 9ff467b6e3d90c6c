/** Invalidations that are sent again, many at once, to a server that changes or is slow meanwhile. */
import { describe, expect, it } from '@jest/globals';
import { GuardedBackend } from '../../lib/backends/resilience/guarded.backend.js';
import { resolveGuardOptions, type GuardOptions } from '../../lib/backends/resilience/options.js';
import type { Backend } from '../../lib/core/backend.js';
import { BackendError } from '../../lib/core/errors.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';
import { backendParts } from '../support/machine/backends.js';
import { Deferred, Rig } from '../support/machine/rig.js';

/** A backend that may answer when it is told to, and become another one. */
function changing() {
  const clock = new FakeClock();
  const rig = new Rig({ clock });
  const said: string[] = [];
  const held = new Map<string, Deferred<number>>();
  let meetAnother = (): void => undefined;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: ([key]) => {
      const name = /cat|dog|cow/.exec(key?.text ?? '')?.[0] ?? '';
      said.push(name);
      return held.get(name)?.promise ?? 1;
    },
    clearEverything: () => {
      said.push('everything');
      return held.get('everything')?.promise ?? 1;
    },
    ping: () => void said.push('ping'),
    onReborn: (listener) => {
      meetAnother = listener;
    },
  };
  const guard = (maxRetries: number, others: GuardOptions = {}): GuardedBackend =>
    new GuardedBackend(stand as Backend, resolveGuardOptions({ maxRetries, ...others }, 'x'), backendParts({ clock }));
  const hold = (name: string): Deferred<number> => {
    const answer = new Deferred<number>();
    held.set(name, answer);
    return answer;
  };
  return { clock, rig, said, held, hold, guard, reborn: () => meetAnother() };
}

describe('another server that answers while invalidations are sent again', () => {
  it('G7: is told as well what the one before may have confirmed', async () => {
    const { clock, rig, said, hold, held, guard, reborn } = changing();
    const guarded = guard(100);
    await guarded.evict([rig.key('cat')]);
    const before = hold('cat');
    reborn();
    await clock.settle();
    expect(said.splice(0)).toEqual(['cat', 'cat']);
    held.clear();
    reborn();
    before.resolve(1);
    await clock.settle();
    expect(said).toEqual(['cat', 'ping', 'ping']);
  });

  it('G8: is told as well what had not been confirmed before', async () => {
    const { clock, rig, said, hold, held, guard, reborn } = changing();
    const guarded = guard(100, { invalidationTimeout: 1 });
    hold('cat').reject(new BackendError('evict', 'stand-in'));
    await expect(guarded.evict([rig.key('cat')])).rejects.toThrow('evict');
    said.length = 0;
    // It is back and is told; before its answer comes, another takes its place that has not heard of it.
    const before = hold('cat');
    guarded.ping().catch(() => undefined);
    await clock.settle();
    expect(said.splice(0)).toEqual(['cat']);
    held.clear();
    reborn();
    before.resolve(1);
    await clock.settle();
    expect(said).toEqual(['cat', 'ping', 'ping']);
  });

  it('G7: is told everything, where that is what is said', async () => {
    const { clock, rig, said, hold, held, guard, reborn } = changing();
    const guarded = guard(2);
    for (const name of ['cat', 'dog']) await guarded.evict([rig.key(name)]);
    await guarded.clearEverything();
    said.length = 0;
    const before = hold('everything');
    reborn();
    await clock.settle();
    expect(said.splice(0)).toEqual(['everything']);
    held.clear();
    reborn();
    before.resolve(1);
    await clock.settle();
    expect(said).toEqual(['everything', 'ping', 'ping']);
  });

  it('G7: is asked nothing before it has been told all of them', async () => {
    const { clock, rig, said, hold, held, guard, reborn } = changing();
    const guarded = guard(100);
    for (const name of ['cat', 'dog', 'cow']) await guarded.evict([rig.key(name)]);
    said.length = 0;
    // The other turns have found nothing more to say.
    const last = hold('cow');
    reborn();
    await clock.settle();
    expect(said.splice(0)).toEqual(['cat', 'dog', 'cow']);
    held.clear();
    reborn();
    const asked = guarded.ping();
    last.resolve(1);
    await asked;
    await clock.settle();
    expect(said.slice(0, 4)).toEqual(expect.arrayContaining(['cat', 'dog', 'cow', 'ping']));
    expect(said.indexOf('ping')).toBe(3);
  });
});

describe('invalidations that share few connections', () => {
  it('G8: are confirmed some at a time, however many there are', async () => {
    const clock = new FakeClock();
    const rig = new Rig({ clock });
    const queue: (() => void)[] = [];
    let free = 10;
    const roundTrip = async (): Promise<void> => {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => queue.push(resolve));
      await clock.sleep(50);
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
    };
    let isAway = true;
    const stand: Partial<Backend> = {
      kind: 'stand-in',
      evict: async () => {
        if (isAway) throw new BackendError('evict', 'stand-in');
        await roundTrip();
        await roundTrip();
        return 1;
      },
      ping: roundTrip,
    };
    const settings = resolveGuardOptions({ invalidationTimeout: 1, failures: 1_000 }, 'x');
    const guarded = new GuardedBackend(stand as Backend, settings, backendParts({ clock }));
    for (let at = 0; at < 200; at++) await expect(guarded.evict([rig.key(at)])).rejects.toThrow('evict');
    isAway = false;
    let answered = 0;
    for (let second = 0; second < 20; second++) {
      guarded.ping().then(
        () => answered++,
        () => undefined,
      );
      await clock.advance(1_000);
    }
    expect(answered).toBeGreaterThan(0);
  });
});

describe.each([
  ['everything', 15],
  ['the clear of a tenant', 1],
] as const)('%s that is sent again and takes its time', (what, tenants) => {
  /** One that was away until more was to go than it is told one by one. */
  const overdue = async () => {
    const clock = new FakeClock();
    const rig = new Rig({ clock });
    const said: string[] = [];
    let isAway = true;
    const say = (what: string): void => {
      if (isAway) throw new BackendError('a call', 'stand-in');
      said.push(what);
    };
    const stand: Partial<Backend> = {
      kind: 'stand-in',
      evict: ([key]) => {
        say(key?.text ?? '');
        return 1;
      },
      clearEverything: async () => {
        say('everything');
        await clock.sleep(1_000);
        return 1;
      },
      clear: async () => {
        say('the clear of a tenant');
        await clock.sleep(1_000);
        return 1;
      },
      ping: () => undefined,
    };
    const settings = resolveGuardOptions({ invalidationTimeout: 1, failures: 1_000, maxRetries: 10 }, 'x');
    const guarded = new GuardedBackend(stand as Backend, settings, backendParts({ clock }));
    for (let at = 0; at < 15; at++) {
      const tenant = at % tenants === 0 ? 'acme' : `tenant ${at}`;
      await expect(guarded.evict([rig.key(at, { tenant })])).rejects.toThrow();
    }
    isAway = false;
    return { clock, rig, said, guarded };
  };

  it('G9: ends, whatever is asked for meanwhile, and that is said as well', async () => {
    const { clock, rig, said, guarded } = await overdue();
    const keys = Array.from({ length: 20 }, (_, at) => rig.key(`late ${at}`));
    for (const key of keys) {
      guarded.evict([key]).catch(() => undefined);
      await clock.advance(300);
    }
    expect(said.filter((each) => each === what)).toHaveLength(1);
    expect(said[0]).toBe(what);
    expect(said).toEqual(expect.arrayContaining(keys.map(({ text }) => text)));
    await guarded.ping();
  });

  it('G8: takes along what is asked for before it begins', async () => {
    const { clock, rig, said, guarded } = await overdue();
    const queue = Promise.allSettled([guarded.ping()]);
    await clock.advance(2_000);
    await queue;
    expect(said).toEqual([what]);
    await guarded.evict([rig.key('cat')]);
    expect(said).toEqual([what, rig.key('cat').text]);
  });
});
