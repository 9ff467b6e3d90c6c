import { describe, expect, it, jest } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { LoaderTimeoutError } from '../../../lib/core/errors.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { shared } from '../../support/machine/backends.js';
import { errorOf, Rig, Source, type Options } from '../../support/machine/rig.js';

const MINUTE = 60_000;

/** A rig whose entry `tom` was stored under the options and is past its ttl. */
async function withOldEntry(options: Options, rig = new Rig()): Promise<Rig> {
  await rig.load('tom', () => 'old', options);
  await rig.clock.advance(MINUTE);
  rig.recorded.clear();
  return rig;
}

describe('staleWhileRevalidate', () => {
  const policy: Options = { ttl: '1m', staleWhileRevalidate: '1m', tags: ['pets'] };

  it('answers at once with the old value and reloads it once, in the background', async () => {
    const rig = await withOldEntry(policy);
    const source = new Source();
    expect(await Promise.all(Array.from({ length: 5 }, () => rig.load('tom', source.load, policy)))).toEqual(
      Array.from({ length: 5 }, () => 'old'),
    );
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
    source.answer(0, 'new');
    await rig.clock.settle();
    expect(await rig.load('tom', source.load, policy)).toBe('new');
    const { hits, misses, stale } = rig.space().stats;
    expect({ hits, misses, stale }).toEqual({ hits: 1, misses: 1, stale: 5 });
    expect(rig.recorded.of('load')).toMatchObject([{ isBackground: true, outcome: 'ok' }]);
  });

  it('ends with its window: then callers wait for the loader', async () => {
    const rig = await withOldEntry(policy);
    await rig.clock.advance(MINUTE);
    expect(await rig.load('tom', () => 'new', policy)).toBe('new');
  });

  it('a reload that fails leaves the entry as it is, is reported, and is tried again by the next reader', async () => {
    const rig = await withOldEntry(policy);
    const error = new Error('no cats today');
    expect(await rig.load('tom', () => Promise.reject(error), policy)).toBe('old');
    await rig.clock.settle();
    expect(rig.recorded.of('error')).toMatchObject([{ operation: 'refresh', error }]);
    expect(await rig.load('tom', () => 'new', policy)).toBe('old');
    await rig.clock.settle();
    expect(await rig.get('tom', policy)).toBe('new');
  });

  it('an invalidated entry is no longer served, however young its window', async () => {
    const rig = await withOldEntry(policy);
    await rig.invalidateTag('pets');
    expect(await rig.load('tom', () => 'new', policy)).toBe('new');
  });

  it('an invalidation during the reload refuses its fill', async () => {
    const rig = await withOldEntry(policy);
    const source = new Source();
    await rig.load('tom', source.load, policy);
    await rig.clock.settle();
    await rig.invalidateTag('pets');
    source.answer(0, 'old again');
    await rig.clock.settle();
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'invalidated' }]);
    expect(await rig.load('tom', () => 'new', policy)).toBe('new');
  });

  it('the reload runs in the scope of the key and belongs to nobody, also when a loader noticed it', async () => {
    const rig = new Rig();
    const mine: Options = { ...policy, user: 'ann' };
    await rig.load('tom', () => 'old', mine);
    await rig.clock.advance(MINUTE);
    const seen: unknown[] = [];
    const reload = (): string => {
      const frame = rig.machine.context.current();
      seen.push(frame?.scope, frame?.loading?.parent);
      return 'new';
    };
    await rig.as({ tenant: 'beta', user: 'bob' }, () =>
      rig.load('outer', () => rig.load('tom', reload, mine), { user: 'ann' }),
    );
    await rig.clock.settle();
    expect(seen).toEqual([{ tenant: 'acme', user: 'ann' }, undefined]);
  });

  it('no more reloads run at once than limits.maxRefreshes allows; the others wait for their next reader', async () => {
    const rig = new Rig({ limits: { maxRefreshes: 2 } });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await rig.load(name, () => 'old', policy);
    await rig.clock.advance(MINUTE);
    const source = new Source();
    for (const name of names) expect(await rig.load(name, source.load, policy)).toBe('old');
    await rig.clock.settle();
    expect(source.calls).toHaveLength(2);
    source.answer(0, 'new');
    await rig.clock.settle();
    expect(await rig.load('c', source.load, policy)).toBe('old');
    await rig.clock.settle();
    expect(source.calls).toHaveLength(3);
  });

  it('when another machine reloads already, this one only serves', async () => {
    const backend = shared(chaos(memory()));
    const rig = await withOldEntry(policy, new Rig({ backend }));
    const other = new Rig({ backend, clock: rig.clock });
    const source = new Source();
    expect(await rig.load('tom', source.load, policy)).toBe('old');
    await rig.clock.settle();
    expect(await other.load('tom', source.load, policy)).toBe('old');
    await rig.clock.settle();
    expect(source.calls).toHaveLength(1);
  });

  it('while a reload is under way, those who are served do not ask for a lease each', async () => {
    const backend = chaos(memory());
    const rig = await withOldEntry(policy, new Rig({ backend }));
    const before = backend.calls('lease');
    const source = new Source();
    for (let time = 0; time < 10; time++) {
      expect(await rig.load('tom', source.load, policy)).toBe('old');
      await rig.clock.settle();
    }
    expect(backend.calls('lease') - before).toBe(1);
  });

  it('a reload whose backend fails is reported, and the caller is served', async () => {
    const backend = chaos(memory());
    const rig = await withOldEntry(policy, new Rig({ backend }));
    backend.failNext('lease');
    expect(await rig.load('tom', () => 'new', policy)).toBe('old');
    await rig.clock.settle();
    expect(rig.recorded.of('error')).toMatchObject([{ operation: 'refresh' }]);
  });
});

describe('staleIfError', () => {
  const policy: Options = { ttl: '1m', staleIfError: '1m', tags: ['pets'] };

  it('answers with the old value when the loader fails, and counts it as stale', async () => {
    const rig = await withOldEntry(policy);
    expect(await rig.load('tom', () => Promise.reject(new Error('down')), policy)).toBe('old');
    const { misses, stale } = rig.space().stats;
    expect({ misses, stale }).toEqual({ misses: 1, stale: 1 });
    expect(rig.recorded.of('hit')).toMatchObject([{ verdict: 'grace' }]);
  });

  it('is not asked while the loader succeeds', async () => {
    const rig = await withOldEntry(policy);
    expect(await rig.load('tom', () => 'new', policy)).toBe('new');
  });

  it('ends with its window, also when it ends during the load', async () => {
    const rig = await withOldEntry(policy);
    const source = new Source();
    const call = rig.load('tom', source.load, policy);
    const failed = errorOf(call);
    await rig.clock.advance(MINUTE);
    source.fail(0, new Error('down'));
    expect(await failed).toMatchObject({ message: 'down' });
  });

  it('an old value that was invalidated is never served in place of an error', async () => {
    const rig = await withOldEntry(policy);
    await rig.invalidateTag('pets');
    await expect(rig.load('tom', () => Promise.reject(new Error('down')), policy)).rejects.toThrow('down');
  });

  it.each([
    ['a backend in this process', () => memory()],
    ['a backend elsewhere', () => chaos(memory())],
  ])('who joins a load after an invalidation gets its error, not what was there before (%s)', async (_, backend) => {
    const rig = await withOldEntry(policy, new Rig({ backend: backend() }));
    const source = new Source();
    const early = rig.load('tom', source.load, policy);
    await rig.clock.settle();
    await rig.invalidateTag('pets');
    const late = rig.load('tom', source.load, policy);
    const later = rig.load('tom', source.load, policy);
    const failed = Promise.all([late, later].map(errorOf));
    await rig.clock.settle();
    source.fail(0, new Error('down'));
    source.fail(1, new Error('down'));
    expect(await early).toBe('old');
    expect(await failed).toMatchObject([{ message: 'down' }, { message: 'down' }]);
  });
});

describe('the spare of a load', () => {
  const policy: Options = { ttl: '1m', staleIfError: '1h', tags: ['pets'] };

  it('is what stood there when the lease was granted: what was invalidated before is not handed to the loader', async () => {
    const backend = chaos(memory());
    const rig = await withOldEntry(policy, new Rig({ backend }));
    backend.pause('lease');
    const early = rig.load(
      'tom',
      ({ previous, notModified }) => (previous === undefined ? 'new' : notModified()),
      policy,
    );
    await rig.clock.settle();
    await rig.invalidateTag('pets');
    backend.resume('lease');
    const late = rig.load('tom', () => 'never asked', policy);
    expect(await Promise.all([early, late])).not.toContain('old');
    expect(await rig.get('tom', policy)).not.toBe('old');
  });

  it('is not kept longer than the entry was stored for, whatever a reader would accept', async () => {
    const rig = new Rig();
    await rig.load('tom', () => 'old', { ttl: '1m' });
    await rig.clock.advance(MINUTE);
    const patient: Options = { ttl: '1m', staleWhileRevalidate: '1h', staleIfError: '1h' };
    await expect(rig.load('tom', () => Promise.reject(new Error('down')), patient)).rejects.toThrow('down');
    expect(await rig.load('tom', () => 'new', patient)).toBe('new');
  });
});

describe('softTimeout', () => {
  const policy: Options = { ttl: '1m', staleIfError: '1h', softTimeout: '2s', tags: ['pets'] };

  it('answers with the old value when the loader takes longer; the load goes on and is stored', async () => {
    const rig = await withOldEntry(policy);
    const source = new Source();
    const call = rig.load('tom', source.load, policy);
    let answer: unknown;
    void call.then((value) => (answer = value));
    await rig.clock.advance(1_999);
    expect(answer).toBeUndefined();
    await rig.clock.advance(1);
    expect(answer).toBe('old');
    source.answer(0, 'new');
    await rig.clock.settle();
    expect(await rig.get('tom', policy)).toBe('new');
  });

  it('does nothing when there is no old value', async () => {
    const rig = new Rig();
    const source = new Source();
    const call = rig.load('tom', source.load, policy);
    await rig.clock.advance(10_000);
    source.answer(0, 'new');
    expect(await call).toBe('new');
  });

  it('does not serve a value whose window has ended meanwhile', async () => {
    const short: Options = { ttl: '1m', staleIfError: '1s', softTimeout: '2s' };
    const rig = await withOldEntry(short);
    const source = new Source();
    const call = rig.load('tom', source.load, short);
    await rig.clock.advance(5_000);
    source.answer(0, 'new');
    expect(await call).toBe('new');
  });

  it('leaves no unhandled rejection when the load fails after everybody has gone', async () => {
    const rig = await withOldEntry(policy);
    const source = new Source();
    const calls = [rig.load('tom', source.load, policy), rig.load('tom', source.load, policy)];
    await rig.clock.advance(2_000);
    expect(await Promise.all(calls)).toEqual(['old', 'old']);
    source.fail(0, new Error('too late to matter'));
    await rig.clock.settle();
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('bounds the wait for the load of another machine too', async () => {
    const backend = shared(chaos(memory()));
    const rig = await withOldEntry(policy, new Rig({ backend }));
    const other = new Rig({ backend, clock: rig.clock });
    void other.load('tom', () => new Promise(() => undefined), { ...policy, softTimeout: undefined });
    await rig.clock.settle();
    const call = rig.load('tom', () => 'never asked', policy);
    await rig.clock.advance(2_200);
    expect(await call).toBe('old');
  });

  it('leaves no timer behind when the loader is in time', async () => {
    const rig = await withOldEntry(policy);
    expect(await rig.load('tom', () => 'new', policy)).toBe('new');
    expect(rig.clock.pendingTimers).toBe(0);
  });
});

describe('hardTimeout', () => {
  const policy: Options = { hardTimeout: '3s' };

  it('fails with CACHE_LOADER_TIMEOUT, aborts the signal with it, and gives the lease back', async () => {
    const rig = new Rig();
    let signal: AbortSignal | undefined;
    const call = rig.load(
      'tom',
      (context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
      policy,
    );
    const failed = errorOf(call);
    await rig.clock.advance(2_999);
    expect(signal?.aborted).toBe(false);
    await rig.clock.advance(1);
    expect(await failed).toBeInstanceOf(LoaderTimeoutError);
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toBeInstanceOf(LoaderTimeoutError);
    expect(rig.recorded.of('load')).toMatchObject([{ outcome: 'timed-out', durationMs: 3_000 }]);
    expect(await rig.load('tom', () => 'new', policy)).toBe('new');
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('a signal that is asked for after the timeout is aborted already', async () => {
    const rig = new Rig();
    const later = new Source();
    const aborted = jest.fn();
    const call = rig.load(
      'tom',
      async (context) => {
        await later.load();
        aborted(context.signal.aborted, context.signal.reason);
      },
      policy,
    );
    const failed = errorOf(call);
    await rig.clock.advance(3_000);
    expect(await failed).toBeInstanceOf(LoaderTimeoutError);
    later.answer(0, undefined);
    await rig.clock.settle();
    expect(aborted).toHaveBeenCalledWith(true, expect.any(LoaderTimeoutError));
  });

  it('a loader that fails after the timeout leaves no unhandled rejection', async () => {
    const rig = new Rig();
    const source = new Source();
    const failed = errorOf(rig.load('tom', source.load, policy));
    await rig.clock.advance(3_000);
    expect(await failed).toBeInstanceOf(LoaderTimeoutError);
    source.fail(0, new Error('aborted'));
    await rig.clock.settle();
  });

  it('a loader that answers after the timeout stores nothing', async () => {
    const rig = new Rig();
    const source = new Source();
    const failed = errorOf(rig.load('tom', source.load, policy));
    await rig.clock.advance(3_000);
    expect(await failed).toBeInstanceOf(LoaderTimeoutError);
    source.answer(0, 'late');
    await rig.clock.settle();
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('serves the old value where staleIfError allows it', async () => {
    const both: Options = { ttl: '1m', hardTimeout: '3s', staleIfError: '1h' };
    const rig = await withOldEntry(both);
    const call = rig.load('tom', () => new Promise(() => undefined), both);
    await rig.clock.advance(3_000);
    expect(await call).toBe('old');
  });
});
