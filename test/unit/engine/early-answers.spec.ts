import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { BackendFactory, Lease } from '../../../lib/core/backend.js';
import { machineClock, systemClock } from '../../../lib/core/clock.js';
import type { Draft } from '../../../lib/core/entry.js';
import { BackendError } from '../../../lib/core/errors.js';
import { compileGlob } from '../../../lib/core/keys/glob.js';
import { Rig, Source } from '../../support/machine/rig.js';
import { SlowFills } from '../../support/machine/slow-fills.js';
import { watchUnhandled } from '../../support/unhandled.js';

watchUnhandled();

const EARLY = { answerEarly: true } as const;

function slow(limits: Record<string, unknown> = {}) {
  const fills = new SlowFills();
  return { fills, rig: new Rig({ backend: fills.factory, clock: systemClock, limits }) };
}

async function turns(many: number): Promise<void> {
  for (let turn = 0; turn < many; turn++) await machineClock.breathe();
}

/** Whether it settles without anything else happening. */
async function isSettled(call: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  call.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  await turns(5);
  return isOver;
}

describe('answers before the value is stored', () => {
  it('are given where the policy says so, and not otherwise', async () => {
    const { fills, rig } = slow();
    expect(await rig.load('tom', () => 'Tom', EARLY)).toBe('Tom');
    const patient = rig.load('kit', () => 'Kit');
    expect(await isSettled(patient)).toBe(false);
    fills.land();
    fills.land();
    expect(await patient).toBe('Kit');
    expect(await rig.get('tom')).toBe('Tom');
  });

  it('are not given by what promises that it is stored: a put, a reload in the background', async () => {
    const { fills, rig } = slow({ closeTimeout: '1ms' });
    const put = rig.put('tom', () => 'Tom', EARLY);
    expect(await isSettled(put)).toBe(false);
    fills.land();
    await put;
    const stale = { ...EARLY, ttl: '1ms', staleWhileRevalidate: '1h' } as const;
    const first = rig.load('kit', () => 'old', stale);
    await first;
    fills.land();
    await systemClock.sleep(3);
    expect(await rig.load('kit', () => 'new', stale)).toBe('old');
    await turns(5);
    // It is under way, and hits go on meanwhile.
    expect(fills.waiting).toHaveLength(1);
    expect(await rig.load('kit', () => 'newer', stale)).toBe('old');
    fills.land();
  });

  const VERBS: readonly (readonly [string, (rig: Rig<typeof systemClock>) => Promise<unknown>, unknown])[] = [
    ['get', (rig) => rig.get('tom'), 'Tom'],
    ['getOrSet', (rig) => rig.load('tom', () => 'another', EARLY), 'Tom'],
    ['has', (rig) => rig.machine.engine.has(rig.key('tom'), rig.policy()), true],
    ['ttl', async (rig) => (await rig.machine.engine.ttlMs(rig.key('tom'), rig.policy())) !== undefined, true],
    ['getMany', (rig) => rig.machine.engine.getMany([rig.call('tom', () => '')]), ['Tom']],
    [
      'keys',
      async (rig) =>
        (await rig.machine.engine.scan(rig.space(), { view: rig.view(), match: compileGlob('*') }, undefined)).keys,
      ['tom'],
    ],
    ['stats', async (rig) => (await rig.machine.engine.holdings(rig.view()))?.usage.entries, 1],
    ['totals', async (rig) => (await rig.machine.engine.holdings(undefined))?.usage.entries, 1],
    ['evict', (rig) => rig.evict('tom'), 1],
    ['invalidate', (rig) => rig.removeMatching('t*'), 1],
    ['clear', (rig) => rig.clear(), 1],
    ['clearEverything', (rig) => rig.machine.engine.writes.clearEverything(rig.space()), 1],
    ['clearEverything of a namespace', (rig) => rig.clearEverywhere(), 1],
    ['expire', (rig) => rig.machine.engine.writes.expire(rig.key('tom'), 1_000, rig.policy()), true],
  ];

  it.each(VERBS)('A100: %s waits in this process until the value is stored', async (_, verb, expected) => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'Tom', EARLY);
    const asked = verb(rig);
    expect(await isSettled(asked)).toBe(false);
    fills.land();
    expect(await asked).toEqual(expected);
  });

  const REMOVALS: readonly (readonly [string, (rig: Rig<typeof systemClock>) => Promise<number>])[] = [
    ['evict', (rig) => rig.machine.engine.writes.evict([rig.key('tom'), rig.key('kit')])],
    ['a pattern', (rig) => rig.removeMatching('*i*')],
    ['clear', (rig) => rig.clear()],
    ['clearEverything', (rig) => rig.machine.engine.writes.clearEverything(rig.space())],
    ['clearEverything of a namespace', (rig) => rig.clearEverywhere()],
  ];

  it.each(REMOVALS)(
    'A109: %s is sent although a fill stands in line: what is stored goes at once',
    async (_, remove) => {
      const { fills, rig } = slow();
      await rig.set('kit', 'Kit');
      await rig.load('tom', () => 'Tom', EARLY);
      const removed = remove(rig);
      await turns(5);
      const { entry, required } = await rig.backend.read(rig.key('kit'));
      expect(entry === undefined || entry.stamp < required.stamp).toBe(true);
      fills.land();
      await removed;
      expect(await rig.get('kit')).toBeUndefined();
    },
  );

  it('A109: a value on its way counts once, and for what it is meant by', async () => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'Tom', EARLY);
    await rig.load('rex', () => 'Rex', { ...EARLY, namespace: 'dogs' });
    const some = [rig.removeMatching('k*'), rig.clear({ user: 'ann' }), rig.clear(), rig.clear()];
    fills.land();
    fills.land();
    expect(await Promise.all(some)).toEqual([0, 0, 2, 0]);
    await rig.load('tom', () => 'Tom', EARLY);
    fills.land();
    await turns(3);
    // Stored before it was sent: the backend has counted it.
    expect(await rig.clear()).toBe(1);
  });

  it('A109: what is removed by name counts once, whatever became of its value on the way', async () => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'loaded', EARLY);
    await rig.set('tom', 'set');
    const evicted = rig.evict('tom');
    fills.land();
    expect(await evicted).toBe(1);
  });

  it('A109: a removal that fails says so at once, whatever is on its way', async () => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'Tom', EARLY);
    rig.backend.clear = () => Promise.reject(new BackendError('clear', 'slow', { why: 'ECONNRESET' }));
    await expect(rig.clear()).rejects.toThrow('clear');
    fills.land();
  });

  it('A100: increment adds to what is being stored', async () => {
    const { fills, rig } = slow();
    await rig.load('n', () => 5, EARLY);
    const added = rig.machine.engine.writes.increment(rig.key('n'), 2, rig.policy());
    expect(await isSettled(added)).toBe(false);
    fills.land();
    expect(await added).toBe(7);
  });

  it('A100: other keys and other tenants wait for nothing', async () => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'Tom', EARLY);
    expect(await rig.get('kit')).toBeUndefined();
    expect(await rig.clear({ tenant: 'other' })).toBe(0);
    fills.land();
  });

  it('A100: what the caller does with its value changes neither what is stored nor what others get', async () => {
    const { fills, rig } = slow();
    const source = new Source<{ name: string }>();
    const [first, second] = [rig.load('tom', source.load, EARLY), rig.load('tom', source.load, EARLY)];
    await turns(3);
    source.answer(0, { name: 'Tom' });
    const mine = await first;
    mine.name = 'changed';
    const late = rig.load('tom', source.load, EARLY);
    expect(await second).toEqual({ name: 'Tom' });
    fills.land();
    expect(await late).toEqual({ name: 'Tom' });
    expect(source.calls).toHaveLength(1);
  });

  it('A100: a caller that comes to the load when it has answered asks again, together with others', async () => {
    const { fills, rig } = slow();
    const backend = rig.backend;
    let leases = 0;
    const { lease } = backend;
    const loads: Promise<unknown>[] = [];
    // Each caller has read before the first has its lease, and asks for one when the load has answered.
    const answered: (() => void)[] = [];
    backend.lease = async (...args: Parameters<typeof lease>) => {
      const number = ++leases;
      const reply = await lease(...args);
      if (number > 1 && number <= 20) await new Promise<void>((resolve) => answered.push(resolve));
      return reply;
    };
    for (let caller = 0; caller < 20; caller++) loads.push(rig.load('tom', () => ({ caller }), EARLY));
    const first = (await loads[0]) as { caller: number };
    first.caller = -1;
    for (const go of answered) go();
    // Long enough for one that would ask again and again meanwhile.
    await turns(50);
    fills.land();
    expect(await Promise.all(loads.slice(1))).toEqual(Array.from({ length: 19 }, () => ({ caller: 0 })));
    expect(leases).toBeLessThanOrEqual(21);
  });

  it('A100: getOrSet asks the backend nothing until the value is stored, and is a hit', async () => {
    const { fills, rig } = slow();
    let asked = 0;
    const { lease } = rig.backend;
    rig.backend.lease = (...args: Parameters<typeof lease>) => (asked++, lease(...args));
    await rig.load('tom', () => 'Tom', EARLY);
    const again = rig.load('tom', () => 'again', EARLY);
    await turns(3);
    fills.land();
    expect(await again).toBe('Tom');
    expect([asked, rig.space().stats.hits, rig.space().stats.misses]).toEqual([1, 1, 1]);
  });

  it('count among the loads under way until the value is stored, and no longer', async () => {
    const { fills, rig } = slow({ maxFlights: 1 });
    await rig.load('tom', () => 'Tom', EARLY);
    await rig.load('kit', () => 'Kit', EARLY);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['too-many-flights']);
    fills.land();
    await turns(3);
    await rig.load('leo', () => 'Leo', EARLY);
    expect(rig.recorded.of('bypass')).toHaveLength(1);
    fills.land();
  });

  it('A98: an invalidation after the answer wins over the value that is on its way', async () => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'Tom', { ...EARLY, tags: ['cats'] });
    await rig.invalidateTag('cats');
    const asked = rig.get('tom');
    fills.land();
    expect(await asked).toBeUndefined();
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['invalidated']);
  });

  it('A98: so does a value that is set meanwhile', async () => {
    const { fills, rig } = slow();
    await rig.load('tom', () => 'loaded', EARLY);
    await rig.set('tom', 'set');
    fills.land();
    expect(await rig.get('tom')).toBe('set');
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['lease-lost']);
  });

  it('A99: closing waits for what is being stored, and no longer than closeTimeout', async () => {
    const { fills, rig } = slow({ closeTimeout: 20_000 });
    await rig.load('tom', () => 'Tom', EARLY);
    const closed = rig.machine.close();
    expect(await isSettled(closed)).toBe(false);
    fills.land();
    await closed;
    expect(rig.recorded.of('fill')).toHaveLength(1);
    const short = slow({ closeTimeout: '1ms' });
    await short.rig.load('tom', () => 'Tom', EARLY);
    await short.rig.machine.close();
    short.fills.land();
  });

  it('A97: what cannot be stored after all is counted and told, and the next caller loads at once', async () => {
    const { fills, rig } = slow();
    expect(await rig.load('tom', () => 'Tom', EARLY)).toBe('Tom');
    const next = rig.load('tom', () => 'again', EARLY);
    fills.land(new BackendError('fill', 'slow', { why: 'ECONNRESET' }));
    expect(await next).toBe('again');
    expect(rig.recorded.of('error').map(({ operation }) => operation)).toEqual(['fill']);
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['backend']);
    expect(rig.space().stats.refused).toBe(1);
    fills.land();
  });

  it('A97: a store that never ends holds up no caller for longer than maxLoad', async () => {
    const { rig } = slow({ maxLoad: 20 });
    await rig.load('tom', () => 'Tom', EARLY);
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.load('tom', () => 'again', EARLY)).toBe('again');
  });

  it('are bounded by number and by bytes: beyond them callers wait', async () => {
    const { fills, rig } = slow();
    for (let at = 0; at < 1_000; at++) await rig.load(at, () => at, EARLY);
    const waiting = rig.load('one more', () => '', EARLY);
    expect(await isSettled(waiting)).toBe(false);
    fills.land();
    await turns(3);
    expect(await rig.load('another', () => 'early', EARLY)).toBe('early');
    while (fills.waiting.length > 0) fills.land();
    await waiting;
    fills.sizeBytes = 10 * 1_048_576;
    await rig.load('large', () => 1, EARLY);
    const second = rig.load('as large', () => 2, EARLY);
    expect(await isSettled(second)).toBe(false);
    fills.land();
    fills.land();
    await second;
  });

  it('bring their tags and their end into a load around them', async () => {
    const { fills, rig } = slow();
    const outer = rig.load(
      'outer',
      () => rig.load('inner', () => 'Tom', { ...EARLY, tags: ['cats'], ttl: '1s' }),
      EARLY,
    );
    expect(await outer).toBe('Tom');
    fills.land();
    fills.land();
    expect(await rig.get('outer')).toBe('Tom');
    expect(await rig.machine.engine.ttlMs(rig.key('outer'), rig.policy())).toBeLessThanOrEqual(1_000);
    await rig.invalidateTag('cats');
    expect(await rig.get('outer')).toBeUndefined();
  });

  it('are not given to a caller whose policy waits, also when it joins the load of one whose does not', async () => {
    const { fills, rig } = slow();
    let answer = (): void => undefined;
    const early = rig.load('tom', () => new Promise((resolve) => (answer = () => resolve('Tom'))), EARLY);
    await turns(1);
    const patient = rig.load('tom', () => 'another', { answerEarly: false });
    await turns(1);
    answer();
    expect(await early).toBe('Tom');
    expect(await isSettled(patient)).toBe(false);
    fills.land();
    expect(await patient).toBe('Tom');
  });

  it('A97: a value that is taken in after its fill has failed keeps no caller waiting', async () => {
    let takeIn = (): void => undefined;
    const late: BackendFactory = {
      kind: 'late',
      create: (parts) =>
        Object.assign(memory().create(parts), {
          // What wraps it has given up, and what it wraps goes on.
          fill: async (_: Lease, draft: Draft): Promise<never> => {
            takeIn = () => draft.onAdmitted?.(10);
            throw new Error('a deadline of its own');
          },
        }),
    };
    const rig = new Rig({ backend: late, clock: systemClock });
    expect(await rig.load('tom', () => 'Tom', EARLY)).toBe('Tom');
    takeIn();
    expect(await Promise.race([rig.load('tom', () => 'again'), machineClock.sleep(2_000)])).toBe('again');
  });
});
