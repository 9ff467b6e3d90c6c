/** The guard that applications put around a backend of their own. */
import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import { guarded, type GuardedOptions } from '../../../../lib/backends/resilience/guarded.js';
import { RefusedError } from '../../../../lib/backends/shared/refused.error.js';
import type { Backend, BackendFactory } from '../../../../lib/core/backend.js';
import type { Draft } from '../../../../lib/core/entry.js';
import { BackendError, CacheConfigError } from '../../../../lib/core/errors.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import { chaos, type Chaos } from '../../../../lib/testing/chaos.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { recordEvents } from '../../../../lib/testing/record-events.js';
import { backendParts } from '../../../support/machine/backends.js';
import { errorOf } from '../../../support/machine/rig.js';
import { RunInContext } from '../support/inside.js';

const inside = new RunInContext();
const key = inside.key('tom');

function draft(of: Key, value: unknown): Draft {
  return { value, labels: of.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
}

/** What work fails with, at once or later. */
function failure(work: () => unknown): Promise<unknown> {
  return errorOf((async () => work())());
}

interface Opened {
  readonly server: Chaos;
  readonly backend: Backend;
  readonly clock: FakeClock;
  warnings(): readonly string[];
}

function open(options?: GuardedOptions): Opened {
  const [clock, recorded, server] = [new FakeClock(), recordEvents(), chaos(memory())];
  const emit = { isHeard: true, event: recorded.observer };
  const backend = guarded(server, options).create({ ...backendParts({ clock }), emit });
  return { server, backend, clock, warnings: () => recorded.of('warning').map(({ message }) => message) };
}

describe('a guarded backend', () => {
  it('answers as its backend does, under the same name', async () => {
    const { backend } = open();
    await backend.write(key, draft(key, 'Tom'));
    expect((await backend.read(key)).entry?.value).toBe('Tom');
    expect(backend.kind).toBe('memory');
  });

  it('gives up a call that takes longer than `timeout`, on the clock that it was given', async () => {
    const { backend, server, clock } = open({ timeout: '100ms' });
    server.pause('read');
    const read = failure(() => backend.read(key));
    await clock.advance(99);
    let isOver = false;
    void read.then(() => (isOver = true));
    await clock.settle();
    expect(isOver).toBe(false);
    await clock.advance(1);
    expect(await read).toBeInstanceOf(BackendError);
  });

  it('goes by the machine while a test holds the time of the application', async () => {
    const [clock, machine, server] = [new FakeClock(), new FakeClock(), chaos(memory())];
    const parts = backendParts({ clock: Object.assign(clock, { machine }) });
    const backend = guarded(server, { timeout: '100ms' }).create(parts);
    server.pause('read');
    const read = failure(() => backend.read(key));
    await machine.advance(100);
    expect(await Promise.race([read, machine.breathe()])).toBeInstanceOf(BackendError);
  });

  it('stops calling a backend that fails time after time, and reports when it goes and when it is back', async () => {
    const { backend, server, clock, warnings } = open({ failures: 3, pause: '1s' });
    server.break();
    for (let time = 0; time < 10; time++) await failure(() => backend.read(key));
    expect(server.calls('read')).toBe(3);
    await clock.advance(500);
    server.heal();
    await clock.advance(5_000);
    await backend.read(key);
    expect(warnings()).toEqual([expect.stringContaining('does not answer'), 'The memory backend answers again.']);
  });

  it('sends an invalidation again that was not confirmed, before any later call is answered', async () => {
    const { backend, server, clock } = open({ invalidationTimeout: '50ms' });
    await backend.write(key, draft(key, 'old'));
    server.break();
    const evicted = failure(() => backend.evict([key]));
    await clock.advance(1_000);
    expect(await evicted).toBeInstanceOf(Error);
    server.heal();
    await clock.advance(5_000);
    expect((await backend.read(key)).entry).toBeUndefined();
  });

  it('reports why a backend does not answer, by the code of what it throws and by nothing else of it', async () => {
    const { backend, server, clock, warnings } = open({ failures: 1 });
    server.failNext('read', 1, Object.assign(new Error('of tom'), { code: 'EACCES' }));
    await failure(() => backend.read(key));
    await clock.advance(600);
    expect(warnings()[0]).toContain('does not answer (EACCES)');
    expect(warnings().join()).not.toContain('tom');
  });

  it('takes an answer that says no for an answer', async () => {
    const { backend, server } = open({ failures: 1 });
    const refusal = new RefusedError('write', 'file', { why: 'ENOSPC' });
    server.failNext('write', 3, refusal);
    for (let time = 0; time < 3; time++) expect(await failure(() => backend.write(key, draft(key, 1)))).toBe(refusal);
    expect((await backend.read(key)).entry).toBeUndefined();
  });

  it('keeps entries in the fallback while its backend is away, and forgets them when it is back', async () => {
    const { backend, server, clock } = open({ failures: 1, pause: '1s', fallback: memory() });
    server.break();
    await backend.write(key, draft(key, 'here'));
    expect((await backend.read(key)).entry?.value).toBe('here');
    server.heal();
    await clock.advance(5_000);
    expect((await backend.read(key)).entry).toBeUndefined();
  });

  it.each([
    [{ typo: 1 }, 'guarded.typo'],
    [{ timeout: 'soon' }, 'guarded.timeout'],
    [{ failures: 0 }, 'guarded.failures'],
    [{ timeout: '2s', longTimeout: '1s' }, 'guarded.longTimeout'],
    [{ fallback: 'memory' }, 'guarded.fallback'],
    [7, 'guarded'],
  ])('refuses the options %j, naming %s', async (options, option) => {
    const error = await failure(() => guarded(memory(), options as GuardedOptions));
    expect(error).toBeInstanceOf(CacheConfigError);
    expect((error as CacheConfigError).option).toBe(option);
  });

  it('refuses what is no factory of backends', async () => {
    expect(await failure(() => guarded(memory as unknown as BackendFactory))).toMatchObject({ option: 'guarded' });
  });
});
