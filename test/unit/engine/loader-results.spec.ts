import { describe, expect, it, jest } from '@jest/globals';
import { Readable } from 'node:stream';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { chaos } from '../../../lib/testing/chaos.js';
import { Rig, Source } from '../../support/machine/rig.js';

const BACKENDS = [
  ['memory', () => memory()],
  ['a backend that answers asynchronously', () => chaos(memory())],
] as const;

describe.each(BACKENDS)('what a loader may fail with, on %s', (_, backend) => {
  class OwnError extends Error {
    readonly details = { of: 'mine' };
  }
  const frozen = Object.freeze(new OwnError('frozen'));

  it.each([
    ['an Error', new Error('plain')],
    ['an error of a class of its own', new OwnError('own')],
    ['a frozen error', frozen],
    ['a text', 'just a text'],
    ['nothing', undefined],
    ['null', null],
    ['an object', { code: 404 }],
    ['a number', 7],
  ])(
    '%s reaches the caller unchanged, thrown or rejected, alone or shared, and nothing is stored',
    async (name, error) => {
      const rig = new Rig({ backend: backend() });
      const throwing = (): never => {
        throw error;
      };
      for (const loader of [throwing, () => Promise.reject(error)]) {
        const ends = await Promise.allSettled([
          rig.load('tom', loader),
          rig.load('tom', loader),
          rig.load('tom', loader),
        ]);
        for (const end of ends) {
          expect(end.status).toBe('rejected');
          expect((end as PromiseRejectedResult).reason).toBe(error);
        }
      }
      expect(rig.recorded.of('fill')).toEqual([]);
      expect(rig.recorded.of('load').every(({ outcome }) => outcome === 'failed')).toBe(true);
      // The lease was given back at once: nobody waits.
      expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
      expect(rig.clock.pendingTimers).toBe(0);
      expect(name).toBeDefined();
    },
  );

  it('a loader that throws before its first await does not throw in the face of the caller', () => {
    const rig = new Rig({ backend: backend() });
    const call = rig.load('tom', () => {
      throw new Error('at once');
    });
    return expect(call).rejects.toThrow('at once');
  });
});

describe('what a loader may return', () => {
  it('undefined is returned and never stored; null, zero, empty and false are values', async () => {
    const rig = new Rig();
    const loader = jest.fn(() => undefined);
    expect(await rig.load('none', loader)).toBeUndefined();
    expect(await rig.load('none', loader)).toBeUndefined();
    expect(loader).toHaveBeenCalledTimes(2);
    for (const value of [null, 0, '', false, NaN]) {
      const name = String(value) || 'empty';
      expect(await rig.load(name, () => value)).toBe(value);
      expect(await rig.load(name, () => 'never asked')).toBe(value);
      expect(await rig.machine.engine.has(rig.key(name), rig.policy())).toBe(true);
    }
    expect(await rig.machine.engine.has(rig.key('none'), rig.policy())).toBe(false);
  });

  it('undefined is shared with those who joined, as any other result', async () => {
    const rig = new Rig();
    const source = new Source();
    const calls = [rig.load('tom', source.load), rig.load('tom', source.load)];
    await rig.clock.settle();
    source.answer(0, undefined);
    expect(await Promise.all(calls)).toEqual([undefined, undefined]);
    expect(source.calls).toHaveLength(1);
  });

  it('a value that cannot be stored is returned as it is, with one warning for the namespace', async () => {
    const rig = new Rig();
    class Cat {}
    const cat = new Cat();
    for (let time = 0; time < 3; time++) expect(await rig.load(`tom${time}`, () => cat)).toBe(cat);
    expect(await rig.get('tom0')).toBeUndefined();
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(
      Array.from({ length: 3 }, () => 'unserializable'),
    );
    expect(rig.recorded.of('warning')).toHaveLength(1);
  });

  it('a value beyond the limit is returned and not stored', async () => {
    const rig = new Rig({ limits: { maxValueBytes: 1_000 } });
    const large = 'x'.repeat(2_000);
    expect(await rig.load('tom', () => large)).toBe(large);
    expect(await rig.get('tom')).toBeUndefined();
    expect(rig.recorded.of('refused')).toMatchObject([{ reason: 'too-large' }]);
  });

  it('a property that throws when looked at costs the storing and not the result', async () => {
    const rig = new Rig();
    const trap = Object.defineProperty({}, 'now', {
      enumerable: true,
      get: () => {
        throw new Error('not now');
      },
    });
    expect(await rig.load('tom', () => trap)).toBe(trap);
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.load('tom', () => 'Tom')).toBe('Tom');
  });

  it('a stream is neither stored nor consumed; callers who came together each get one of their own', async () => {
    const rig = new Rig();
    let made = 0;
    const loader = async (): Promise<Readable> => {
      made++;
      const own = made;
      await rig.clock.sleep(10);
      return Readable.from([`stream ${own}`]);
    };
    const calls = Array.from({ length: 3 }, () => rig.load('tom', loader));
    await rig.clock.advance(10);
    await rig.clock.advance(10);
    const texts = await Promise.all(
      (await Promise.all(calls)).map(async (stream) => (await stream.toArray()).join('')),
    );
    expect(new Set(texts).size).toBe(3);
    expect(made).toBe(3);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['not-shareable', 'not-shareable']);
  });

  it.each([
    [
      'an async iterable',
      async function* numbers() {
        yield 1;
      },
    ],
    [
      'a generator',
      function* numbers() {
        yield 1;
      },
    ],
  ])('%s is not started by the cache', async (_, make) => {
    const rig = new Rig();
    let isStarted = false;
    const value = await rig.load('tom', () => {
      const inner = make();
      return { [Symbol.iterator]: () => ((isStarted = true), inner) };
    });
    expect(Symbol.iterator in value).toBe(true);
    expect(isStarted).toBe(false);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('a result is stored as it was when the loader returned it', async () => {
    const rig = new Rig();
    const value = { n: 1 };
    expect(await rig.load('tom', () => value)).toBe(value);
    value.n = 2;
    expect(await rig.get('tom')).toEqual({ n: 1 });
    ((await rig.get('tom')) as { n: number }).n = 3;
    expect(await rig.get('tom')).toEqual({ n: 1 });
  });
});
