import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { ReentrantLoadError } from '../../../lib/core/errors.js';
import type { LimitOptions } from '../../../lib/core/limits.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { shared } from '../../support/machine/backends.js';
import { errorOf, Rig, Source, type Place } from '../../support/machine/rig.js';

/** The same rules behind a backend that answers at once and one that answers later. */
const BACKENDS = [
  ['memory', () => memory()],
  ['a backend that answers asynchronously', () => chaos(memory())],
] as const;

describe.each(BACKENDS)('loads on %s', (_, backend) => {
  it('the first call loads, the second is answered from the cache', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const first = rig.load('tom', source.load);
    await rig.clock.settle();
    source.answer(0, { name: 'Tom' });
    expect(await first).toEqual({ name: 'Tom' });
    expect(await rig.load('tom', source.load)).toEqual({ name: 'Tom' });
    expect(source.calls).toHaveLength(1);
    const { hits, misses, sets } = rig.space().stats;
    expect({ hits, misses, sets }).toEqual({ hits: 1, misses: 1, sets: 1 });
  });

  it('callers of one key share one load, and each gets a value of its own', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const calls = Array.from({ length: 50 }, () => rig.load('tom', source.load));
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, { names: ['Tom'] });
    const values = (await Promise.all(calls)) as { names: string[] }[];
    values[0]?.names.push('changed');
    expect(values.slice(1)).toEqual(Array.from({ length: 49 }, () => ({ names: ['Tom'] })));
    expect(new Set(values).size).toBe(50);
    expect(await rig.get('tom')).toEqual({ names: ['Tom'] });
  });

  it('what the leader does to its value at once, no passenger sees, not even one with a soft timeout', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source<{ n: number }>();
    await rig.set('tom', { n: 0 }, { ttl: 1, staleIfError: '1h' });
    await rig.clock.advance(1);
    const leader = rig.load('tom', source.load, { staleIfError: '1h' }).then((value) => (value.n = 666));
    const passengers = Array.from({ length: 3 }, () =>
      rig.load('tom', source.load, { staleIfError: '1h', softTimeout: '1s' }),
    );
    await rig.clock.settle();
    source.answer(0, { n: 1 });
    await leader;
    expect(await Promise.all(passengers)).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
  });

  it('the same name of another tenant, user, width or namespace is another load', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const places: Place[] = [
      {},
      { tenant: 'beta' },
      { user: 'ann' },
      { user: 'bob' },
      { width: 'global' },
      { namespace: 'dogs' },
    ];
    const calls = places.map((place) => rig.load('tom', source.load, place));
    await rig.clock.settle();
    expect(source.calls).toHaveLength(places.length);
    for (const index of places.keys()) source.answer(index, index);
    expect(await Promise.all(calls)).toEqual([...places.keys()]);
  });

  it('a loader error reaches every caller of the load, and the next call loads again', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const error = new Error('no cats today');
    const calls = [rig.load('tom', source.load), rig.load('tom', source.load)];
    const ends = Promise.allSettled(calls);
    await rig.clock.settle();
    source.fail(0, error);
    for (const end of await ends) expect(end).toEqual({ status: 'rejected', reason: error });
    const again = rig.load('tom', source.load);
    await rig.clock.settle();
    expect(source.calls).toHaveLength(2);
    source.answer(1, 'Tom');
    expect(await again).toBe('Tom');
  });
});

/** Everything that may invalidate the key `tom` tagged `pets`. */
const INVALIDATIONS: readonly (readonly [name: string, act: (rig: Rig) => Promise<unknown>])[] = [
  ['its key is evicted', (rig) => rig.evict('tom', { user: 'ann' })],
  ['its tag is invalidated for its user', (rig) => rig.invalidateTag('pets', { user: 'ann' })],
  ['its tag is invalidated for the tenant', (rig) => rig.invalidateTag('pets')],
  ['its tenant is cleared', (rig) => rig.clear()],
  ['its user is cleared', (rig) => rig.clear({ user: 'ann' })],
  ['its namespace is cleared', (rig) => rig.clear({ namespace: 'cats' })],
  ['its namespace is cleared for its user', (rig) => rig.clear({ user: 'ann', namespace: 'cats' })],
  ['a pattern it matches is removed', (rig) => rig.removeMatching('t*', { user: 'ann' })],
  ['its namespace is cleared for all tenants', (rig) => rig.clearEverywhere()],
  ['everything is cleared', (rig) => rig.machine.engine.writes.clearEverything(rig.space())],
  ['another value is set', (rig) => rig.set('tom', 'set', { user: 'ann', tags: ['pets'] })],
];

const OPTIONS = { user: 'ann', tags: ['pets'] };

describe.each(BACKENDS)('an invalidation during a load, on %s (rule G2)', (_, backend) => {
  it.each(INVALIDATIONS)(
    'when %s, who comes after starts a load of its own and never gets the old value',
    async (name, act) => {
      const rig = new Rig({ backend: backend() });
      const source = new Source();
      const early = rig.load('tom', source.load, OPTIONS);
      await rig.clock.settle();
      await act(rig);
      const late = rig.load('tom', source.load, OPTIONS);
      await rig.clock.settle();
      if (name === 'another value is set') {
        expect(await late).toBe('set');
        source.answer(0, 'old');
        expect(await early).toBe('old');
        expect(await rig.get('tom', OPTIONS)).toBe('set');
        return;
      }
      expect(source.calls).toHaveLength(2);
      // The old load ends first, and stores nothing …
      source.answer(0, 'old');
      expect(await early).toBe('old');
      expect(await rig.get('tom', OPTIONS)).toBeUndefined();
      // … and whoever comes now joins the new one.
      const later = rig.load('tom', source.load, OPTIONS);
      await rig.clock.settle();
      expect(source.calls).toHaveLength(2);
      source.answer(1, 'new');
      expect(await Promise.all([late, later])).toEqual(['new', 'new']);
      expect(await rig.get('tom', OPTIONS)).toBe('new');
    },
  );

  it.each(INVALIDATIONS)(
    'when %s, a fill that comes after it is refused, also when nobody else asked',
    async (name, act) => {
      const rig = new Rig({ backend: backend() });
      const source = new Source();
      const early = rig.load('tom', source.load, OPTIONS);
      await rig.clock.settle();
      await act(rig);
      source.answer(0, 'old');
      expect(await early).toBe('old');
      expect(await rig.get('tom', OPTIONS)).toBe(name === 'another value is set' ? 'set' : undefined);
      expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual([
        name.startsWith('its key is evicted') || name === 'another value is set' ? 'lease-lost' : 'invalidated',
      ]);
    },
  );

  it('the new load may end before the old one: the old one does not overwrite it', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const early = rig.load('tom', source.load, OPTIONS);
    await rig.clock.settle();
    await rig.invalidateTag('pets');
    const late = rig.load('tom', source.load, OPTIONS);
    await rig.clock.settle();
    source.answer(1, 'new');
    expect(await late).toBe('new');
    source.answer(0, 'old');
    expect(await early).toBe('old');
    expect(await rig.get('tom', OPTIONS)).toBe('new');
  });

  it('what another tenant invalidates under the same names leaves a load joinable and stored', async () => {
    const rig = new Rig({ backend: backend() });
    const source = new Source();
    const early = rig.load('tom', source.load, OPTIONS);
    await rig.clock.settle();
    const beta = { tenant: 'beta', user: 'ann' };
    await rig.evict('tom', beta);
    await rig.invalidateTag('pets', beta);
    await rig.invalidateTag('pets', { tenant: 'beta' });
    await rig.clear({ tenant: 'beta' });
    await rig.removeMatching('*', { tenant: 'beta' });
    const late = rig.load('tom', source.load, OPTIONS);
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'Tom');
    expect(await Promise.all([early, late])).toEqual(['Tom', 'Tom']);
    expect(await rig.get('tom', OPTIONS)).toBe('Tom');
  });
});

describe('the join rule, with the replies of the backend held', () => {
  it('a reader whose lease reply was on its way when the key was evicted may share the old load: both overlap', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const source = new Source();
    const early = rig.load('tom', source.load);
    await rig.clock.settle();
    backend.pause('lease', 'reply');
    const joiner = rig.load('tom', source.load);
    await rig.clock.settle();
    await rig.evict('tom');
    backend.resume('lease', 'reply');
    await rig.clock.settle();
    source.answer(0, 'old');
    expect(await Promise.all([early, joiner])).toEqual(['old', 'old']);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('a reader whose lease request had not arrived when the key was evicted loads by itself', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const source = new Source();
    const early = rig.load('tom', source.load);
    await rig.clock.settle();
    backend.pause('lease', 'request');
    const late = rig.load('tom', source.load);
    await rig.clock.settle();
    await rig.evict('tom');
    backend.resume('lease', 'request');
    await rig.clock.settle();
    expect(source.calls).toHaveLength(2);
    source.answer(0, 'old');
    source.answer(1, 'new');
    expect(await Promise.all([early, late])).toEqual(['old', 'new']);
    expect(await rig.get('tom')).toBe('new');
  });

  it('a fill held on its way is refused when the key is evicted before it arrives', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    backend.pause('fill');
    const call = rig.load('tom', () => 'old');
    await rig.clock.settle();
    expect(backend.waiting('fill')).toBe(1);
    await rig.evict('tom');
    backend.resume('fill');
    expect(await call).toBe('old');
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('who joins while the fill is on its way gets the value too', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend });
    const source = new Source();
    backend.pause('fill');
    const early = rig.load('tom', source.load);
    await rig.clock.settle();
    source.answer(0, 'Tom');
    await rig.clock.settle();
    const late = rig.load('tom', source.load);
    await rig.clock.settle();
    backend.resume('fill');
    expect(await Promise.all([early, late])).toEqual(['Tom', 'Tom']);
    expect(source.calls).toHaveLength(1);
  });
});

describe('two machines on one backend', () => {
  it('the second waits for the load of the first and takes what it stored', async () => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend });
    const second = new Rig({ backend, clock: first.clock });
    const source = new Source();
    const one = first.load('tom', source.load);
    await first.clock.settle();
    const two = second.load('tom', source.load);
    await first.clock.advance(500);
    expect(source.calls).toHaveLength(1);
    source.answer(0, { name: 'Tom' });
    expect(await one).toEqual({ name: 'Tom' });
    await first.clock.advance(100);
    expect(await two).toEqual({ name: 'Tom' });
    expect(source.calls).toHaveLength(1);
    const { hits, misses } = second.space().stats;
    expect({ hits, misses }).toEqual({ hits: 1, misses: 0 });
  });

  it('of a thousand callers in four machines exactly one loads', async () => {
    const backend = shared(chaos(memory(), { turns: 2 }));
    const first = new Rig({ backend, isHeard: false });
    const { clock } = first;
    const rigs = [first, ...Array.from({ length: 3 }, () => new Rig({ backend, clock, isHeard: false }))];
    const source = new Source();
    const calls = rigs.flatMap((rig) => Array.from({ length: 250 }, () => rig.load('tom', source.load)));
    await clock.advance(200);
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'Tom');
    await clock.advance(200);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['Tom']));
    expect(source.calls).toHaveLength(1);
  });

  it('an invalidation by one machine wins over the load of the other', async () => {
    const backend = shared(chaos(memory()));
    const [first, other] = [new Rig({ backend }), new Rig({ backend })];
    const source = new Source();
    const one = first.load('tom', source.load, OPTIONS);
    await first.clock.settle();
    await other.invalidateTag('pets');
    const late = first.load('tom', source.load, OPTIONS);
    await first.clock.settle();
    source.answer(0, 'old');
    source.answer(1, 'new');
    expect(await Promise.all([one, late])).toEqual(['old', 'new']);
    expect(await other.get('tom', OPTIONS)).toBe('new');
  });

  it('G2: a load that an eviction has overtaken is not joined while another machine loads', async () => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend });
    const other = new Rig({ backend, clock: first.clock });
    const source = new Source();
    const early = first.load('tom', source.load);
    await first.clock.settle();
    await other.evict('tom');
    const elsewhere = other.load('tom', source.load);
    await first.clock.settle();
    expect(source.calls).toHaveLength(2);
    const late = first.load('tom', source.load);
    await first.clock.settle();
    source.answer(0, 'old');
    source.answer(1, 'new');
    await first.clock.advance(200);
    expect(await Promise.all([early, elsewhere, late])).toEqual(['old', 'new', 'new']);
  });

  it('when the loading machine fails, the waiting one loads at once', async () => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend });
    const second = new Rig({ backend, clock: first.clock });
    const source = new Source();
    const one = first.load('tom', source.load);
    await first.clock.settle();
    const two = second.load('tom', source.load);
    const failed = errorOf(one);
    source.fail(0, new Error('no cats'));
    expect(await failed).toMatchObject({ message: 'no cats' });
    await first.clock.advance(100);
    expect(source.calls).toHaveLength(2);
    source.answer(1, 'Tom');
    expect(await two).toBe('Tom');
  });

  it('when the loading machine is dead, its lease ends and the waiting one takes over', async () => {
    const backend = shared(chaos(memory()));
    const clock = new Rig({ backend }).clock;
    const dead = new Rig({ backend });
    const second = new Rig({ backend, clock, limits: { maxWait: '1m' } });
    // Its clock never moves again: it renews nothing. The backend was made by the first rig, and goes on.
    void dead.load('tom', () => new Promise(() => undefined));
    await clock.settle();
    const two = second.load('tom', () => 'Tom');
    await clock.advance(9_900);
    expect(await second.get('tom')).toBeUndefined();
    await clock.advance(300);
    expect(await two).toBe('Tom');
    expect(await second.get('tom')).toBe('Tom');
  });

  it('who begins to wait after an invalidation is not given the answer to a question put before it', async () => {
    const line = chaos(memory());
    const backend = shared(line);
    const first = new Rig({ backend });
    const slow = chaos(backend);
    const second = new Rig({ backend: slow, clock: first.clock });
    const source = new Source();
    const old = first.load('tom', source.load, OPTIONS);
    const early = second.load('tom', source.load, OPTIONS);
    await first.clock.settle();
    source.answer(0, 'old');
    await old;
    // The early one asks again, finds the old value, and its answer is long on its way …
    slow.pause('lease', 'reply');
    await first.clock.advance(10);
    expect(slow.waiting('lease', 'reply')).toBe(1);
    // … while the entry is invalidated, loaded anew elsewhere, and somebody comes who has to wait for that.
    await first.evict('tom', OPTIONS);
    const fresh = first.load('tom', source.load, OPTIONS);
    await first.clock.settle();
    slow.holdNoMore('lease', 'reply');
    const late = second.load('tom', source.load, OPTIONS);
    await first.clock.settle();
    expect(slow.waiting('lease', 'reply')).toBe(1);
    slow.resume('lease', 'reply');
    await first.clock.settle();
    source.answer(1, 'new');
    await first.clock.advance(200);
    expect(await Promise.all([early, fresh, late])).toEqual(['old', 'new', 'new']);
  });

  it('who has waited for the limit loads by itself, and stores nothing', async () => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend });
    const second = new Rig({ backend, clock: first.clock, limits: { maxWait: '2s' } });
    const source = new Source();
    const one = first.load('tom', source.load);
    await first.clock.settle();
    const two = second.load('tom', () => 'mine');
    await first.clock.advance(1_900);
    expect(second.recorded.of('bypass')).toEqual([]);
    await first.clock.advance(200);
    expect(await two).toBe('mine');
    expect(second.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['waited-too-long']);
    expect(await second.get('tom')).toBeUndefined();
    source.answer(0, 'Tom');
    await one;
    expect(await second.get('tom')).toBe('Tom');
  });

  const pair = (limits: LimitOptions = {}) => {
    const backend = shared(chaos(memory()));
    const first = new Rig({ backend, limits });
    const second = new Rig({ backend, clock: first.clock, limits });
    return { first, second, clock: first.clock, source: new Source<string>() };
  };

  it('A81: as long as the other machine renews its lease, all wait, however long it takes; it is loaded once', async () => {
    const { first, second, clock, source } = pair();
    const asked = [first, first, second, second].map((rig) => rig.load('tom', source.load));
    await clock.advance(100_000);
    source.answer(0, 'Tom');
    await clock.advance(200);
    expect(await Promise.all(asked)).toEqual(['Tom', 'Tom', 'Tom', 'Tom']);
    expect(source.calls).toHaveLength(1);
  });

  it('A81: a load that goes beyond its maxLoad is taken over, also one of a single call', async () => {
    const { first, second, clock, source } = pair();
    const one = first.load('tom', source.load, { maxLoad: '30s' });
    await clock.settle();
    const two = second.load('tom', source.load, { maxLoad: '30s' });
    await clock.advance(29_900);
    expect(source.calls).toHaveLength(1);
    await clock.advance(300);
    source.answer(1, 'second');
    expect(await two).toBe('second');
    source.answer(0, 'first');
    expect(await one).toBe('first');
    expect(first.recorded.of('refused')).toMatchObject([{ reason: 'loader-too-long' }]);
    expect(await first.get('tom')).toBe('second');
  });

  it('A81: maxWait of a call goes before that of the limits, longer or shorter', async () => {
    const { first, second, clock, source } = pair({ maxWait: '5s' });
    const asked = first.load('tom', source.load);
    await clock.settle();
    const patient = second.load('tom', source.load, { maxWait: '1m' });
    const hurried = second.load('tom', () => 'mine', { maxWait: '1s' });
    await clock.advance(1_200);
    expect(await hurried).toBe('mine');
    await clock.advance(30_000);
    source.answer(0, 'Tom');
    await clock.advance(200);
    expect(await Promise.all([asked, patient])).toEqual(['Tom', 'Tom']);
    expect(source.calls).toHaveLength(1);
  });

  it('A81: callers of one machine that have waited for maxWait share one load that begins after they came', async () => {
    const { first, second, clock, source } = pair({ maxWait: '1s' });
    const taken = new Source<string>();
    const asked = first.load('tom', source.load);
    await clock.settle();
    const waiting = Array.from({ length: 100 }, () => second.load('tom', taken.load));
    await clock.advance(1_200);
    expect(taken.calls).toHaveLength(1);
    // Those who come now share the next one, and that begins when the first has ended.
    waiting.push(...Array.from({ length: 100 }, () => second.load('tom', taken.load)));
    await clock.advance(1_200);
    expect(taken.calls).toHaveLength(1);
    taken.answer(0, 'before');
    await clock.settle();
    taken.answer(1, 'after');
    expect(await Promise.all(waiting)).toEqual([...Array(100).fill('before'), ...Array(100).fill('after')]);
    expect(taken.calls).toHaveLength(2);
    expect(new Set(second.recorded.of('bypass').map(({ reason }) => reason))).toEqual(new Set(['waited-too-long']));
    expect(await second.get('tom')).toBeUndefined();
    source.answer(0, 'Tom');
    expect(await asked).toBe('Tom');
  });

  it('A81: a caller that came after an invalidation does not get the load that others took over before it', async () => {
    const { first, second, clock, source } = pair({ maxWait: '1s' });
    const taken = new Source<string>();
    const asked = [first.load('tom', source.load)];
    await clock.settle();
    const before = second.load('tom', taken.load);
    await clock.advance(1_200);
    expect(taken.calls).toHaveLength(1);
    await second.evict('tom');
    asked.push(first.load('tom', source.load));
    await clock.settle();
    expect(source.calls).toHaveLength(2);
    const after = second.load('tom', taken.load);
    // It waits for the other machine, and for its turn: each no longer than maxWait, though the first load hangs.
    await clock.advance(2_300);
    expect(taken.calls).toHaveLength(2);
    taken.answer(0, 'old');
    taken.answer(1, 'new');
    expect(await Promise.all([before, after])).toEqual(['old', 'new']);
    for (const index of asked.keys()) source.answer(index, 'Tom');
    await Promise.all(asked);
  });

  it('A81: loads taken over that need each other are told so', async () => {
    const { first, second, clock, source } = pair({ maxWait: '1s' });
    const asked = ['tom', 'kit'].map((id) => first.load(id, source.load));
    await clock.settle();
    const needing = ['tom', 'kit'].map((id, index, ids) =>
      errorOf(second.load(id, () => second.load(ids[1 - index] as string, () => second.load(id, () => 'never')))),
    );
    await clock.advance(5_000);
    for (const error of await Promise.all(needing)) expect(error).toBeInstanceOf(ReentrantLoadError);
    for (const index of asked.keys()) source.answer(index, 'Tom');
    await Promise.all(asked);
  });

  it('A81: inside another loader a call waits ten seconds, unless maxWait says otherwise', async () => {
    const { first, second, clock, source } = pair();
    const inner = first.load('inner', source.load);
    await clock.settle();
    const outer = second.load('outer', () => second.load('inner', () => 'mine'));
    const patient = second.load('patient', () => second.load('inner', () => 'mine', { maxWait: '1m' }));
    await clock.advance(10_200);
    expect(await outer).toBe('mine');
    source.answer(0, 'Tom');
    await clock.advance(200);
    expect(await Promise.all([inner, patient])).toEqual(['Tom', 'Tom']);
  });

  it('A81: maxLoad bounds the waiting for a load of this machine, a put and a reload in the background too', async () => {
    const { first, clock, source } = pair();
    const options = { maxLoad: '2s', ttl: '1s', staleWhileRevalidate: '1h' } as const;
    const asked = first.load('tom', source.load, options);
    const joined = first.load('tom', source.load, options);
    const making = new Source<string>();
    const made = first.put('put', making.load, options);
    await clock.advance(2_100);
    source.answer(1, 'anew');
    expect(await joined).toBe('anew');
    source.answer(0, 'late');
    making.answer(0, 'made late');
    expect(await Promise.all([asked, made])).toEqual(['late', 'made late']);
    await clock.advance(1_100);
    expect(await first.load('tom', source.load, options)).toBe('anew');
    await clock.advance(2_100);
    source.answer(2, 'too late');
    await clock.settle();
    expect(first.recorded.of('refused').map(({ reason }) => reason)).toEqual(Array(3).fill('loader-too-long'));
  });
});
