/** What every server does for applications that meet under one prefix; given the server. */
import { afterEach, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { MAX_MARKS } from '../../../lib/backends/remote/applications.js';
import { tiered } from '../../../lib/backends/tiered/tiered.backend.js';
import { applicationMark } from '../../../lib/core/application-marks.js';
import type { BackendFactory } from '../../../lib/core/backend.js';
import { CacheModule } from '../../../lib/nest/cache.module.js';
import type { CacheModuleOptions } from '../../../lib/nest/cache.options.js';
import { getCacheToken } from '../../../lib/nest/cache.tokens.js';
import { recordEvents } from '../../../lib/testing/record-events.js';
import { until } from '../time.js';

export interface ServerOfMarks {
  backend(): BackendFactory;
  /** What lies there under a prefix. */
  marks(prefix: string): Promise<readonly string[]>;
  /** Leaves marks as of some time ago. */
  plant(prefix: string, marks: readonly string[], agoMs: number): Promise<void>;
  prefix(): string;
}

interface Booted {
  readonly module: TestingModule;
  warnings(): readonly string[];
}

const DAY_MS = 24 * 3_600_000;
const markOf = (environment: string, ...names: string[]): string => applicationMark({ environment, names });

export function proveApplications(server: () => ServerOfMarks): void {
  const open: TestingModule[] = [];
  afterEach(async () => {
    for (const module of open.splice(0)) await module.close();
  });

  /** An application that has left its mark. */
  const boot = async (options: CacheModuleOptions & { name?: string }, prefix = options.prefix): Promise<Booted> => {
    const recorded = recordEvents();
    const cache = CacheModule.forRoot({ backend: server().backend(), observers: [recorded.observer], ...options });
    const module = await Test.createTestingModule({ imports: [cache] }).compile();
    open.push(module);
    await module.init();
    const own = markOf(options.environment ?? '', ...[options.app ?? []].flat());
    await until('there is a mark', async () => (await server().marks(prefix ?? '')).includes(own));
    return { module, warnings: () => recorded.of('warning').map(({ message }) => message) };
  };
  const told = async (of: Booted, count: number): Promise<readonly string[]> => {
    await until(`${count} warnings`, () => of.warnings().length >= count);
    return of.warnings();
  };

  it('a second application under one prefix is told, once, with both names; the first is not disturbed', async () => {
    const prefix = server().prefix();
    const api = await boot({ prefix, app: 'api', environment: 'production' });
    const worker = await boot({ prefix, app: 'worker', environment: 'production' });
    const [said, ...more] = await told(worker, 1);
    expect(said).toMatch(/"api" \(environment "production"\).*"worker" \(environment "production"\)/);
    expect(more).toEqual([]);
    expect(api.warnings()).toEqual([]);
    await worker.module.get(getCacheToken()).set('k', 1);
    expect(await api.module.get(getCacheToken()).get('k')).toBe(1);
  });

  it('staging and production are told of each other, also in two levels and in a cache with a name', async () => {
    const over = (): BackendFactory => tiered({ l1: memory(), l2: server().backend() });
    const name = server().prefix();
    await boot({ name, app: 'api', environment: 'production', backend: over() }, `cache-${name}`);
    const staging = await boot({ name, app: 'api', environment: 'staging', backend: over() }, `cache-${name}`);
    expect((await told(staging, 1)).join()).toMatch(/environment "production".*environment "staging"/);
  });

  it('applications that say that they belong together, and processes of one, share a prefix without a word', async () => {
    const prefix = server().prefix();
    const environment = 'production';
    const together = [
      await boot({ prefix, app: 'worker', environment }),
      await boot({ prefix, app: ['api', 'worker'], environment }),
      await boot({ prefix, app: ['worker', 'api'], environment }),
      await boot({ prefix, app: 'worker', environment }),
    ];
    // One that all of the others are told to, too: what came before it has been looked at.
    const stranger = await boot({ prefix, app: 'admin', environment });
    expect(await told(stranger, 2)).toHaveLength(2);
    expect(together.flatMap(({ warnings }) => warnings())).toEqual([]);
  });

  it('a mark that was not left again for a month says nothing any more', async () => {
    const prefix = server().prefix();
    await server().plant(prefix, [markOf('p', 'retired')], 31 * DAY_MS);
    await server().plant(prefix, [markOf('p', 'worker')], 29 * DAY_MS);
    const api = await boot({ prefix, app: 'api', environment: 'p' });
    const [said, ...more] = await told(api, 1);
    expect(said).toContain('"worker"');
    expect(more).toEqual([]);
  });

  it('marks are bounded in number, and hold nothing up when they are none', async () => {
    const prefix = server().prefix();
    const names = Array.from({ length: MAX_MARKS + 4 }, (_, at) => markOf('p', `other-${at}`));
    await server().plant(prefix, ['no mark', '["\\u001b[31m","x"]', markOf('p', 'oldest')], 2 * DAY_MS);
    await server().plant(prefix, names, DAY_MS);
    const api = await boot({ prefix, app: 'api', environment: 'p' });
    expect(await told(api, MAX_MARKS - 1)).toHaveLength(MAX_MARKS - 1);
    const left = await server().marks(prefix);
    expect(left).toHaveLength(MAX_MARKS);
    expect(left).not.toContain(markOf('p', 'oldest'));
    expect(left).toContain(markOf('p', 'api'));
  });
}
