import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import { chaos, type Gate } from '../../../lib/testing/chaos.js';
import { until } from '../../support/time.js';
import { Rig, Source } from '../../support/machine/rig.js';
import { watchUnhandled } from '../../support/unhandled.js';

watchUnhandled();

/** For so long by the clock of the machine, as every closing does; all other time is told. */
const rigThatWaits = (closeTimeout: number) => new Rig({ limits: { closeTimeout } });
const LONG_MS = 20_000;

describe('a cache that is closed while it loads', () => {
  it('A80: waits until what is being loaded is stored', async () => {
    const rig = rigThatWaits(LONG_MS);
    const source = new Source<string>();
    const asked = [rig.load('cat', source.load), rig.load('cat', source.load)];
    let isClosed = false;
    const closed = rig.machine.close().then(() => (isClosed = true));
    await rig.clock.settle();
    expect(isClosed).toBe(false);
    source.answer(0, 'Tom');
    await closed;
    expect(await Promise.all(asked)).toEqual(['Tom', 'Tom']);
    expect([rig.recorded.of('fill').length, rig.recorded.of('refused')]).toEqual([1, []]);
  });

  it('A80: lets a load that waits for another finish, with what that brings stored too', async () => {
    const rig = rigThatWaits(LONG_MS);
    const [outer, inner] = [new Source<string>(), new Source<string>()];
    const asked = rig.load('outer', async () => (await outer.load()) + (await rig.load('inner', inner.load)));
    const closed = rig.machine.close();
    outer.answer(0, 'Tom and ');
    await rig.clock.settle();
    inner.answer(0, 'Jerry');
    await closed;
    expect(await asked).toBe('Tom and Jerry');
    expect([rig.recorded.of('fill').length, rig.recorded.of('refused')]).toEqual([2, []]);
  });

  it('A80: stores nothing that comes after closeTimeout, and tells why; callers get it', async () => {
    const rig = rigThatWaits(1);
    const source = new Source<string>();
    const asked = [rig.load('cat', source.load), rig.load('cat', source.load)];
    const made = rig.put('dog', source.load);
    await Promise.all([rig.machine.close(), rig.machine.close()]);
    source.answer(0, 'Tom');
    source.answer(1, 'Spike');
    expect(await Promise.all(asked)).toEqual(['Tom', 'Tom']);
    expect(await made).toBe('Spike');
    expect(rig.recorded.of('refused').map(({ reason }) => reason)).toEqual(['closed', 'closed']);
    expect(rig.recorded.of('error')).toEqual([]);
  });

  it('A80: loads without a lease afterwards, for each caller', async () => {
    const rig = rigThatWaits(1);
    await rig.machine.close();
    const source = new Source<string>();
    const asked = [rig.load('cat', source.load), rig.load('cat', source.load)];
    source.answer(0, 'Tom');
    source.answer(1, 'Tim');
    expect(await Promise.all(asked)).toEqual(['Tom', 'Tim']);
    expect(rig.recorded.of('bypass').map(({ reason }) => reason)).toEqual(['closed', 'closed']);
  });

  it('A80: tells a reload in the background to stop, and begins no other', async () => {
    const rig = rigThatWaits(1);
    const options = { ttl: '1ms', staleWhileRevalidate: '1h' } as const;
    await rig.load('cat', () => 'Tom', options);
    await rig.load('dog', () => 'Spike', options);
    await rig.clock.advance(3);
    let signal: AbortSignal | undefined;
    const hang = (context: { readonly signal: AbortSignal }): Promise<string> => {
      signal = context.signal;
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason as Error)));
    };
    expect(await rig.load('cat', hang, options)).toBe('Tom');
    const closed = rig.machine.close();
    let isBegun = false;
    expect(await rig.load('dog', () => ((isBegun = true), 'Max'), options)).toBe('Spike');
    await closed;
    expect(signal?.aborted).toBe(true);
    expect(isBegun).toBe(false);
  });

  it('A80: does not wait for a load that may not be stored any more', async () => {
    const rig = new Rig({ limits: { closeTimeout: LONG_MS, maxLoad: 5 } });
    const source = new Source<string>();
    const asked = [rig.load('cat', source.load), rig.put('dog', source.load)];
    await rig.clock.advance(20);
    await rig.machine.close();
    source.answer(0, 'Tom');
    source.answer(1, 'Spike');
    expect(await Promise.all(asked)).toEqual(['Tom', 'Spike']);
  });

  it('A80: gives back also what is granted while others are given back', async () => {
    const backend = chaos(memory());
    const rig = new Rig({ backend, limits: { closeTimeout: 1 } });
    const source = new Source<string>();
    const asked = [rig.load('cat', source.load)];
    const begun = (many: number) => until(`${many} are loading`, () => source.calls.length === many);
    const held = (gate: Gate) => until('it waits', () => backend.waiting('lease', gate) === 1);
    await begun(1);
    backend.pause('lease', 'reply');
    asked.push(rig.load('dog', source.load));
    await held('reply');
    backend.pause('lease', 'request');
    asked.push(rig.load('ant', source.load));
    await held('request');
    backend.pause('release');
    const closed = rig.machine.close();
    const oneGoes = () => until('one is given back', () => backend.waiting('release') === 1);
    await oneGoes();
    backend.resume('lease', 'reply');
    await begun(2);
    backend.resume('release');
    backend.pause('release');
    await oneGoes();
    backend.resume('lease', 'request');
    await begun(3);
    backend.resume('release');
    await closed;
    expect(backend.calls('release')).toBe(3);
    for (const at of asked.keys()) source.answer(at, 'Tom');
    expect(await Promise.all(asked)).toEqual(['Tom', 'Tom', 'Tom']);
  });
});
