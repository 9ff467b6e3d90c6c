/** One of several processes is ended while it loads, and another asks for the same. */
import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import { LoadingProcess, type LoadingOptions } from '../children/loading-process.js';
import { compileGlob } from '../../../lib/core/keys/glob.js';
import { errorOf, type Rig, Source } from '../machine/rig.js';
import { until } from '../redis/redis-process.js';
import { soaking } from '../soak.js';

/** How long a lease lives that is not given back: far longer than any answer here may take. */
const LEASE_MS = soaking(10_000, 30_000);
const CLOSE_MS = soaking(2_000, 500);
/** Longer than the closing of an application waits. */
const LONG_MS = 40_000;
/** Less than what is left of a lease, and generous otherwise. */
const MOST_MS = 7_000;

/**
 * A process has a load that ends soon after it is told to end, one that does not, and one in the background. What the
 * first brings is stored; the others are given back, and another process loads at once.
 */
export async function proveRollingRestart(
  options: Pick<LoadingOptions, 'address' | 'nodes' | 'near' | 'prefix'>,
  other: Rig<Clock>,
): Promise<void> {
  const limits = { lease: LEASE_MS, closeTimeout: CLOSE_MS };
  const ending = await LoadingProcess.start({ ...options, limits });
  try {
    const stale = { staleWhileRevalidate: '1h', ttl: '1ms' } as const;
    await ending.ask({ name: 'aging', loadMs: 1, options: stale });
    for (const [name, loadMs] of [
      ['short', CLOSE_MS / 2],
      ['long', LONG_MS],
      ['aging', LONG_MS],
    ] as const) {
      ending.ask({ name, loadMs, callers: 2, ...(name === 'aging' ? { options: stale } : {}) }).catch(() => undefined);
      await until(`${name} is loading`, () => ending.isLoading(name));
    }
    const ended = ending.terminate();
    const ask = async (name: string): Promise<unknown> => other.load(name, () => `loaded for ${name}`);
    const beganAtMs = performance.now();
    const answers = Promise.all(['short', 'long', 'aging'].map(ask));
    expect(await ended).toBe('SIGTERM');
    expect(await answers).toEqual([expect.stringContaining('loaded by'), 'loaded for long', 'loaded for aging']);
    expect(performance.now() - beganAtMs).toBeLessThan(MOST_MS);
  } finally {
    ending.kill();
  }
}

/** A load that ends after the closing has its callers, and stores nothing. */
export async function proveLateLoad(closing: Rig<Clock>, other: Rig<Clock>): Promise<void> {
  const source = new Source<string>();
  const failing = new Source<string>();
  const made = new Source<string>();
  const asked = [0, 1, 2].map(() => closing.load('late', source.load));
  const failed = closing.load('failing', failing.load).catch((error: unknown) => String(error));
  const put = closing.put('put', made.load).catch((error: unknown) => String(error));
  await until('all are loading', () => [source, failing, made].every(({ calls }) => calls.length === 1));
  await Promise.all([closing.machine.close(), closing.machine.close()]);
  await closing.machine.close();
  for (const name of ['late', 'failing', 'put']) {
    const asked = await other.backend.lease(other.key(name), { leaseMs: 1, purpose: 'missing' });
    expect(asked.kind).toBe('granted');
  }
  source.answer(0, 'late');
  made.answer(0, 'put');
  failing.fail(0, new Error('the loader failed'));
  expect(await Promise.all(asked)).toEqual(['late', 'late', 'late']);
  expect(await failed).toContain('the loader failed');
  // The entry that it should have replaced may still be there.
  expect(await put).toContain('InvalidationUnknownError');
  expect(await closing.load('late', () => 'anew')).toBe('anew');
  for (const name of ['late', 'failing', 'put']) expect(await other.load(name, () => 'by another')).toBe('by another');
}

/** Every verb of a closed cache says that it is closed: not that a server does not answer, which it was not asked. */
export async function proveClosedVerbs(rig: Rig<Clock>): Promise<void> {
  await rig.set('cat', 'Tom');
  await rig.machine.close();
  const { engine } = rig.machine;
  const policy = rig.policy({ failSilently: false });
  const everything = { view: rig.view(), match: compileGlob('*') };
  const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
    set: () => rig.set('cat', 'Tim'),
    setMany: () => engine.writes.setMany(['a', 'b'].map((name) => [rig.key(name), name, policy] as const)),
    expire: () => engine.writes.expire(rig.key('cat'), 1_000, policy),
    increment: () => engine.writes.increment(rig.key('n'), 1, policy),
    evict: () => rig.evict('cat'),
    invalidateTags: () => rig.invalidateTag('red'),
    clear: () => rig.clear(),
    invalidate: () => rig.removeMatching('*'),
    clearEverything: () => engine.writes.clearEverything(rig.space()),
    put: () => rig.put('cat', () => 'put', { failSilently: false }),
    get: () => rig.get('cat', { failSilently: false }),
    has: () => engine.has(rig.key('cat'), policy),
    ttl: () => engine.ttlMs(rig.key('cat'), policy),
    getMany: () => engine.getMany([{ ...rig.call('cat', () => ''), policy }]),
    getOrSet: () => rig.load('cat', () => 'loaded', { failSilently: false }),
    keys: () => engine.scan(rig.space(), everything, undefined),
    ping: () => engine.ping(),
    info: () => engine.info(),
  };
  // Once more than failures open the circuit.
  for (let time = 0; time < 2; time++)
    for (const [verb, call] of Object.entries(verbs)) {
      const error = await errorOf(call());
      expect([verb, String(error)]).toEqual([verb, expect.stringContaining('the cache is closed')]);
    }
  expect(await rig.get('cat')).toBeUndefined();
  expect(await rig.load('cat', () => 'loaded')).toBe('loaded');
  expect(await engine.holdings(rig.view())).toBeUndefined();
  expect(rig.log.filter((line) => line.includes('does not answer'))).toEqual([]);
}
