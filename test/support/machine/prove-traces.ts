/** Who called is in the stack of what a loader throws: proven alike for each kind of backend. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { CacheModule, CacheService, type CacheModuleOptions } from '../../../lib/index.js';
import { places, PLACES, Rows, TTL } from './failing-rows.js';
import { CALLERS, lead } from './leading-callers.js';

/** As many frames as Node keeps when nobody says otherwise; Jest raises that. */
const NODE_DEFAULT = 10;
export const CALLER: unknown = expect.stringMatching(/^ {4}at .*leading-callers/);

/** For a backend, with a whole application around it. */
export function proveTraces(backend: () => BackendFactory | undefined, options: CacheModuleOptions = {}): void {
  let module: TestingModule;
  let rows: Rows;
  let cache: CacheService;
  let count = 0;
  const inScope = (work: () => Promise<unknown>): Promise<unknown> => cache.runInScope({ tenant: 'acme' }, work);

  beforeAll(async () => {
    module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ backend: backend(), prefix: `traces-${process.pid}`, ...options })],
      providers: [Rows],
    }).compile();
    module.useLogger(false);
    await module.init();
    [rows, cache] = [module.get(Rows), module.get(CacheService)];
  });
  afterAll(() => module.close());

  it.each(Object.keys(CALLERS).flatMap((name) => places.map((place) => [name, place] as const)))(
    'what %s throws %s shows who called',
    async (name, place) => {
      const { error, frames } = await thrownBy(() =>
        inScope(() => CALLERS[name]!({ rows, cache }, place, `${++count}`)),
      );
      expect(error.message).toBe('no such row');
      expect(frames).toContainEqual(CALLER);
    },
  );

  it('what a method that stores throws shows the plan too, which awaits what it returns', async () => {
    const store = CALLERS['a method that stores']!;
    const { frames } = await thrownBy(() =>
      inScope(() => store({ rows, cache }, 'once something has answered', `${++count}`)),
    );
    expect(frames).toContainEqual(expect.stringContaining('PutPlan.put'));
  });

  // Without a cache no caller joins another.
  if (options.enabled === false) return;
  it('callers who join do not take it from the one who leads', async () => {
    const id = `joined-${++count}`;
    const joined: Promise<unknown>[] = [];
    const load = (): Promise<unknown> => cache.getOrSet(id, PLACES['once something has answered'], TTL);
    const join = (): void => {
      for (let i = 0; i < 5; i++) joined.push(load());
      for (const it of joined) it.catch(() => undefined);
    };
    const { error, frames } = await thrownBy(() => inScope(() => lead(load, join)));
    expect(frames).toContainEqual(CALLER);
    const ends = await Promise.allSettled(joined);
    const shared = ends.filter((end) => end.status === 'rejected' && end.reason === error);
    expect(shared).toHaveLength(5);
  });
}

/** What a call fails with, and the lines that Node would show of its stack. */
export async function thrownBy(call: () => Promise<unknown>): Promise<{ error: Error; frames: readonly string[] }> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = NODE_DEFAULT;
  try {
    await call();
  } catch (error) {
    const frames = ((error as Error).stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
    return { error: error as Error, frames };
  } finally {
    Error.stackTraceLimit = before;
  }
  throw new Error('The call succeeded.');
}
