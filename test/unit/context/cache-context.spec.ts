import { describe, expect, it } from '@jest/globals';
import { CacheContext } from '../../../lib/context/cache-context.js';
import type { Frame } from '../../../lib/core/frame.js';
import { NOBODY, scopeOf } from '../../../lib/core/scope.js';

const frameOf = (tenant: string): Frame => ({ scope: scopeOf({ tenant }), loading: undefined });

describe('the context of a call', () => {
  it('is nobody’s outside of every run', () => {
    const context = new CacheContext();
    expect(context.current()).toBeUndefined();
    expect(context.scope()).toBe(NOBODY);
  });

  it('C13: travels along promises, timers and callbacks, and nowhere else', async () => {
    const context = new CacheContext();
    const seen: (string | undefined)[] = [];
    const look = (): unknown => seen.push(context.scope().tenant);
    await context.run(frameOf('acme'), async () => {
      look();
      await Promise.resolve();
      look();
      await new Promise((resolve) => setImmediate(resolve));
      look();
    });
    look();
    expect(seen).toEqual(['acme', 'acme', 'acme', undefined]);
  });

  it('C11: belongs to one of a thousand calls that run into each other', async () => {
    const context = new CacheContext();
    const one = async (tenant: string): Promise<boolean> =>
      context.run(frameOf(tenant), async () => {
        for (let step = 0; step < 5; step++) {
          if (step % 2 === 0) await Promise.resolve();
          else await new Promise((resolve) => setImmediate(resolve));
          if (context.scope().tenant !== tenant) return false;
        }
        return true;
      });
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, index) => one(`tenant${index % 50}`)));
    expect(answers.every(Boolean)).toBe(true);
  });

  it('is that of the innermost run, and the outer one’s again afterwards', () => {
    const context = new CacheContext();
    context.run(frameOf('acme'), () => {
      context.run(frameOf('globex'), () => expect(context.scope().tenant).toBe('globex'));
      expect(() =>
        context.run(frameOf('globex'), () => {
          throw new Error('down');
        }),
      ).toThrow('down');
      expect(context.scope().tenant).toBe('acme');
    });
  });

  it('C14: can be left, so that what is created belongs to no call', async () => {
    const context = new CacheContext();
    let later: Promise<string | undefined> | undefined;
    context.run(frameOf('acme'), () => {
      later = context.outside(() => new Promise((resolve) => setImmediate(() => resolve(context.scope().tenant))));
      expect(context.scope().tenant).toBe('acme');
    });
    expect(await later).toBeUndefined();
  });

  it('is nobody’s after its end', async () => {
    const context = new CacheContext();
    let seen: string | undefined = 'nothing yet';
    await context.run(frameOf('acme'), async () => {
      context.close();
      await Promise.resolve();
      seen = context.scope().tenant;
    });
    expect(seen).toBeUndefined();
  });

  it('of one cache is not that of another', () => {
    const [one, other] = [new CacheContext(), new CacheContext()];
    one.run(frameOf('acme'), () => expect(other.scope()).toBe(NOBODY));
  });
});
