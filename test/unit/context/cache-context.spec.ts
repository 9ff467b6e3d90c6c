import { describe, expect, it } from '@jest/globals';
import { LateScopeResolver } from '../../../lib/context/late-scope-resolver.js';
import { CacheContext } from '../../../lib/context/cache-context.js';
import { fromClaims } from '../../../lib/context/scope-resolver.js';
import { ScopeTable } from '../../../lib/context/scope-table.js';
import type { Frame } from '../../../lib/core/frame.js';
import { NO_SCOPE, scopeOf } from '../../../lib/core/keys/scope.js';

const frameOf = (tenant: string): Frame => ({ scope: scopeOf({ tenant }), loading: undefined });

describe('the context of a call', () => {
  it('is empty outside of every run', () => {
    const context = new CacheContext();
    expect(context.current()).toBeUndefined();
    expect(context.scope()).toBe(NO_SCOPE);
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

  it('is empty after its end', async () => {
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
    one.run(frameOf('acme'), () => expect(other.scope()).toBe(NO_SCOPE));
  });
});

describe('the surroundings of a request', () => {
  const tenantIn = (context: CacheContext, request: object, incoming?: unknown): string | undefined =>
    context.keep(request, incoming)(() => context.scope().tenant);
  const late = (tenant: string): LateScopeResolver =>
    new LateScopeResolver({ user: { tenant } }, fromClaims({ tenant: 'tenant' }), new ScopeTable());

  it('are those that it began in, when it goes on inside of another', () => {
    const context = new CacheContext();
    const [mine, other] = [{}, {}];
    context.begin(mine, frameOf('acme'), () => expect(tenantIn(context, mine)).toBe('acme'));
    context.begin(other, frameOf('globex'), () => expect(tenantIn(context, mine)).toBe('acme'));
    expect(tenantIn(context, mine)).toBe('acme');
  });

  it('are what was put into them, and not what was put into those of another', () => {
    const context = new CacheContext();
    const [mine, other] = [{}, {}];
    context.begin(mine, frameOf('acme'), () =>
      context.run(frameOf('put'), () => expect(tenantIn(context, mine)).toBe('put')),
    );
    context.begin(other, frameOf('globex'), () =>
      context.run(frameOf('other'), () => expect(tenantIn(context, mine)).toBe('put')),
    );
  });

  it('are those around the first look, unless they are another’s', () => {
    const context = new CacheContext();
    const [mine, other, late] = [{}, {}, {}];
    context.run(frameOf('acme'), () => expect(tenantIn(context, mine)).toBe('acme'));
    context.begin(other, frameOf('globex'), () => {
      expect(tenantIn(context, mine)).toBe('acme');
      expect(tenantIn(context, late)).toBeUndefined();
    });
  });

  it('are empty where nothing surrounds it, whatever comes later', () => {
    const context = new CacheContext();
    const mine = {};
    expect(tenantIn(context, mine)).toBeUndefined();
    context.run(frameOf('globex'), () => expect(tenantIn(context, mine)).toBeUndefined());
  });

  it('are those of a late resolver that was made for it, and for no other', () => {
    const context = new CacheContext();
    const resolver = late('acme');
    context.serve(resolver, () => {
      expect(tenantIn(context, {}, resolver.request)).toBe('acme');
      expect(tenantIn(context, {}, {})).toBeUndefined();
      expect(tenantIn(context, {})).toBeUndefined();
    });
  });

  it('are left alone after the end', () => {
    const context = new CacheContext();
    context.close();
    expect(context.keep({}, undefined)(() => context.current())).toBeUndefined();
  });
});
