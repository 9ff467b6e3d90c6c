import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { ReentrantLoadError } from '../../../lib/core/errors.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { shared } from '../../support/machine/backends.js';
import { Deferred, Rig } from '../../support/machine/rig.js';

const BACKENDS = [
  ['memory', () => memory()],
  ['a backend that answers asynchronously', () => chaos(memory())],
] as const;

/** Nothing here takes time of its own: what has not ended after so many turns waits for itself, and would for ever. */
const MANY_TURNS = 1_000;

async function ended<T>(work: Promise<T>): Promise<T> {
  let isOver = false;
  const waits = async (): Promise<never> => {
    for (let turns = 0; turns < MANY_TURNS && !isOver; turns++) await turn();
    throw new Error('It waits for itself.');
  };
  try {
    return await Promise.race([work, waits()]);
  } finally {
    isOver = true;
  }
}

describe.each(BACKENDS)('loads that wait for themselves, on %s', (_, backend) => {
  it('a loader that asks for its own entry is told at once', async () => {
    const rig = new Rig({ backend: backend() });
    const loader = (): Promise<unknown> => rig.load('a', loader);
    await expect(ended(rig.load('a', loader))).rejects.toThrow(ReentrantLoadError);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('also when it asks through others', async () => {
    const rig = new Rig({ backend: backend() });
    const loadOf = (name: string, next: string) => (): Promise<unknown> => rig.load(next, loaders[next] as never);
    const loaders: Record<string, () => Promise<unknown>> = {
      a: loadOf('a', 'b'),
      b: loadOf('b', 'c'),
      c: loadOf('c', 'a'),
    };
    await expect(ended(rig.load('a', loaders['a'] as never))).rejects.toThrow(ReentrantLoadError);
  });

  it('the same name of another user is not the same entry', async () => {
    const rig = new Rig({ backend: backend() });
    const own = { user: 'ann' };
    const value = await rig.load('a', () => rig.load('a', () => 'of the tenant'), own);
    expect(value).toBe('of the tenant');
  });

  it('an inner error may be handled, and the outer load goes on', async () => {
    const rig = new Rig({ backend: backend() });
    const value = await ended(
      rig.load('a', async () => rig.load('a', () => 1).catch((error: Error) => error.constructor.name)),
    );
    expect(value).toBe('ReentrantLoadError');
  });

  it('what a load left behind is not inside it any more once it has ended: it loads like everybody else', async () => {
    // A timer, a listener, a subscription that the loader began: it goes on in the surroundings that it was made in.
    for (const verb of ['load', 'put'] as const) {
      const rig = new Rig({ backend: backend() });
      const message = new Deferred();
      let heard: Promise<unknown> | undefined;
      await rig[verb]('a', () => {
        heard = message.promise.then(() => rig.load('a', () => 'new'));
        return 'old';
      });
      await rig.evict('a');
      message.resolve(undefined);
      expect(await ended(heard!)).toBe('new');
      expect(await rig.get('a')).toBe('new');
    }
  });

  it('two flights that begin to wait for each other do not wait for ever', async () => {
    const rig = new Rig({ backend: backend() });
    const crossed = (other: string, back: string) => async (): Promise<string> => {
      await rig.clock.sleep(10);
      return `${String(await rig.load(other, crossed(back, other)))}!`;
    };
    const ends = Promise.allSettled([rig.load('a', crossed('b', 'a')), rig.load('b', crossed('a', 'b'))]);
    await rig.clock.advance(100);
    const [one, two] = await ended(ends);
    const reasons = [one, two].map((end) => (end.status === 'rejected' ? (end.reason as Error) : undefined));
    expect(reasons.filter((reason) => reason !== undefined).length).toBeGreaterThan(0);
    for (const reason of reasons) if (reason !== undefined) expect(reason).toBeInstanceOf(ReentrantLoadError);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('a circle of three flights is noticed by the one that closes it', async () => {
    const rig = new Rig({ backend: backend() });
    const order: Record<string, string> = { a: 'b', b: 'c', c: 'a' };
    const loaderOf = (name: string) => async (): Promise<string> => {
      await rig.clock.sleep(10);
      const next = order[name] as string;
      return rig.load(next, loaderOf(next)).catch((error: unknown) => {
        if (error instanceof ReentrantLoadError) return 'the circle ends here';
        throw error;
      });
    };
    const ends = Promise.all(['a', 'b', 'c'].map((name) => rig.load(name, loaderOf(name))));
    await rig.clock.advance(100);
    expect(await ended(ends)).toEqual(Array.from({ length: 3 }, () => 'the circle ends here'));
  });

  it('a circle is noticed also where one of its loads leads the next instead of joining it', async () => {
    const rig = new Rig({ backend: backend() });
    const inner = async (): Promise<unknown> => {
      await rig.clock.sleep(20);
      return rig.load('c', () => 'not run').catch((error: Error) => error.constructor.name);
    };
    const outer = rig.load('a', () => rig.load('b', inner));
    const other = rig.load('c', async () => {
      await rig.clock.sleep(10);
      return rig.load('a', () => 'not run');
    });
    await rig.clock.advance(100);
    expect(await ended(Promise.all([outer, other]))).toEqual(['ReentrantLoadError', 'ReentrantLoadError']);
  });

  it('a load that was led and has ended is waited for no longer: what it left behind closes no circle', async () => {
    const rig = new Rig({ backend: backend() });
    let left: Promise<unknown> | undefined;
    const outer = rig.load('a', async () => {
      await rig.load('b', () => {
        left = rig.clock.sleep(20).then(() => rig.load('c', () => 'not run'));
        return 1;
      });
      await rig.clock.sleep(50);
      return 'of a';
    });
    const other = rig.load('c', async () => {
      await rig.clock.sleep(10);
      return rig.load('a', () => 'not run');
    });
    await rig.clock.advance(100);
    expect(await ended(Promise.all([outer, other, left]))).toEqual(['of a', 'of a', 'of a']);
  });

  it('many loads that share what they wait for are no circle, and quickly seen to be none', async () => {
    const rig = new Rig({ backend: backend(), isHeard: false });
    const layers = 14;
    const loaderOf = (layer: number) => async (): Promise<number> => {
      await rig.clock.sleep(1);
      if (layer === layers) return 1;
      const below = Array.from({ length: 6 }, (_unused, index) =>
        rig.load(`${layer + 1}.${index}`, loaderOf(layer + 1)),
      );
      return (await Promise.all(below)).length;
    };
    const call = rig.load('top', loaderOf(0));
    await rig.clock.advance(50);
    expect(await call).toBe(6);
  });

  it('a nested load of another key is no re-entrance, even when another caller has begun it', async () => {
    const rig = new Rig({ backend: backend() });
    const slow = async (): Promise<string> => {
      await rig.clock.sleep(50);
      return 'inner';
    };
    const first = rig.load('inner', slow);
    const outer = rig.load('outer', () => rig.load('inner', slow));
    await rig.clock.advance(50);
    expect(await Promise.all([first, outer])).toEqual(['inner', 'inner']);
  });
});

describe('loads of two machines that wait for each other', () => {
  it('end after the longest wait: one loads by itself', async () => {
    const backend = shared(chaos(memory()));
    const one = new Rig({ backend, limits: { maxWait: '3s' } });
    const two = new Rig({ backend, clock: one.clock, limits: { maxWait: '3s' } });
    const a = one.load('a', async () => {
      await one.clock.sleep(10);
      return one.load('b', () => 'b by one');
    });
    const b = two.load('b', async () => {
      await two.clock.sleep(10);
      return two.load('a', () => 'a by two');
    });
    await one.clock.advance(4_000);
    expect(await Promise.all([a, b])).toEqual(['b by one', 'a by two']);
  });
});
