/** What a second backend of the application's own may do wrong, while it stands in for the first and afterwards. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { FallbackBackend } from '../../../../lib/backends/resilience/fallback.backend.js';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import type { Owners } from '../../../../lib/backends/shared/owners.js';
import type { BackendFactory } from '../../../../lib/core/backend.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import { BackendError, InvalidationUnknownError } from '../../../../lib/core/errors.js';
import { chaos, type Chaos } from '../../../../lib/testing/chaos.js';
import { Rig } from '../../../support/machine/rig.js';

let first: Chaos;
let second: Chaos;
let rig: Rig;

beforeEach(() => {
  first = chaos(memory());
  second = chaos(memory());
  const backend: BackendFactory = {
    kind: 'both',
    create: (parts) => new FallbackBackend(first.create(parts), second.create(parts)),
  };
  rig = new Rig({ backend });
});

function away(): BackendError {
  return new BackendError('read', 'memory', { why: 'away' });
}

describe('a second backend that fails', () => {
  it('does not keep a removal from the first, and the caller gets an error', async () => {
    await rig.set('tom', 'Tom');
    second.failNext('evict');
    await expect(rig.evict('tom')).rejects.toThrow(InvalidationUnknownError);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('a namespace of all tenants goes from both, and nothing else does', async () => {
    const stores = [second, first].map((each) => each);
    for (const namespace of ['cats', 'dogs']) await rig.set('tom', namespace, { namespace });
    for (const at of [0, 1]) first.failNext(at === 0 ? 'write' : 'writeMany', 2, away());
    for (const namespace of ['cats', 'dogs']) await rig.set('kit', namespace, { namespace });
    await rig.clearEverywhere({ namespace: 'cats' });
    expect(stores.map((each) => each.calls('clearEverything'))).toEqual([1, 1]);
    expect(await rig.get('tom', { namespace: 'cats' })).toBeUndefined();
    expect(await rig.get('tom', { namespace: 'dogs' })).toBe('dogs');
  });

  it('when it is to be emptied: the first answers all the same, and nothing is read there until it is', async () => {
    first.failNext('read', 1, away());
    first.failNext('lease', 1, away());
    expect(await rig.load('tom', () => 'old')).toBe('old');
    first.failNext('read', 1, away());
    expect(await rig.get('tom')).toBe('old');
    second.failNext('clearEverything', 2, away());
    expect(await rig.load('tom', () => 'new')).toBe('new');
    first.failNext('read', 2, away());
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.get('tom')).toBeUndefined();
    expect(second.calls('clearEverything')).toBe(3);
    expect(await rig.get('tom')).toBe('new');
  });
});

describe('a second backend that stands in for one of several servers', () => {
  const moving = { version: 0, keeper: new Map<string, string>() };

  beforeEach(() => {
    [moving.version, moving.keeper] = [0, new Map()];
    const owners = {
      get version() {
        return moving.version;
      },
      of: ({ space }: Key) => moving.keeper.get(space.partition) ?? space.partition,
    } as Partial<Owners> as Owners;
    const backend: BackendFactory = {
      kind: 'both',
      create: (parts) => new FallbackBackend(first.create(parts), second.create(parts), owners),
    };
    rig = new Rig({ backend });
  });

  const goes = (): void => {
    first.failNext('read', 1, away());
    first.failNext('lease', 1, away());
  };

  it('A79: is emptied of what that server keeps, when that server is back, and of nothing else', async () => {
    goes();
    await rig.load('tom', () => 'here', { tenant: 'acme' });
    await rig.load('tom', () => 'there', { tenant: 'beta' });
    first.failNext('read', 1, away());
    expect(await rig.get('tom', { tenant: 'acme' })).toBe('here');
    expect(await rig.get('tom', { tenant: 'acme' })).toBeUndefined();
    first.failNext('read', 1, away());
    expect(await rig.get('tom', { tenant: 'acme' })).toBeUndefined();
  });

  it('A79: is emptied of everything before it is read again, when something has passed to another server', async () => {
    goes();
    await rig.load('tom', () => 'old', { tenant: 'acme' });
    moving.keeper.set(rig.key('tom', { tenant: 'acme' }).space.partition, 'successor');
    moving.version++;
    first.failNext('read', 1, away());
    expect(await rig.get('tom', { tenant: 'acme' })).toBeUndefined();
  });

  it('A79: is emptied before any of the calls that fail together reads there', async () => {
    const acme = { tenant: 'acme' };
    const beta = { tenant: 'beta' };
    for (const scope of [acme, beta]) moving.keeper.set(rig.key('tom', scope).space.partition, 'one');
    first.failNext('read', 2, away());
    first.failNext('lease', 2, away());
    await rig.load('tom', () => 'old', acme);
    await rig.load('tom', () => 'old', beta);
    // It is back for a moment, and the second cannot be emptied then.
    second.failNext('clear', 1, away());
    await rig.get('cat', acme);
    first.failNext('read', 2, away());
    second.pause('clear');
    const reading = [rig.get('tom', acme), rig.get('tom', beta)];
    await rig.clock.settle();
    second.resume('clear');
    expect(await Promise.all(reading)).toEqual([undefined, undefined]);
  });

  it('A79: is read for what is not answered, in one call for all of many keys', async () => {
    const keys = ['acme', 'beta'].map((tenant) => rig.key('tom', { tenant }));
    goes();
    await rig.load('tom', () => 'old', { tenant: 'acme' });
    await rig.set('tom', 'Tom', { tenant: 'beta' });
    const reads = first.calls('read');
    first.failNext('readMany', 1, away());
    const values = async (): Promise<unknown[]> => (await rig.backend.readMany(keys)).map(({ entry }) => entry?.value);
    expect(await values()).toEqual(['old', undefined]);
    expect(await values()).toEqual([undefined, 'Tom']);
    expect([first.calls('readMany'), first.calls('read')]).toEqual([2, reads]);
  });
});
