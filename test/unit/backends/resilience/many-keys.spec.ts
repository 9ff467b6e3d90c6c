/** Very many keys in one call: what is sent at once, what waits, and what is queued when it fails. */
import { expect, it } from '@jest/globals';
import { GuardedBackend } from '../../../../lib/backends/resilience/guarded.backend.js';
import { resolveGuardOptions } from '../../../../lib/backends/resilience/options.js';
import type { Backend } from '../../../../lib/core/backend.js';
import { BackendError } from '../../../../lib/core/errors.js';
import { compileGlob } from '../../../../lib/core/keys/glob.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { backendParts } from '../../../support/machine/backends.js';
import { Deferred } from '../../../support/machine/rig.js';
import { RunInContext } from '../support/inside.js';

const inside = new RunInContext();
const MANY = 40_500;
const NOTHING = { entry: undefined, required: { generation: '', stamp: 0 }, level: 'l2' } as const;

const keysOf = (tenant: string, many = MANY): Key[] =>
  Array.from({ length: many }, (_, at) => inside.key(at, { tenant }));

/** A server that says what it was asked, and fails as long as it is told to. */
const stage = (maxRetries?: number) => {
  const clock = new FakeClock();
  const said: string[] = [];
  const state = {
    failAt: -1,
    isAway: false,
    held: undefined as Deferred<number> | undefined,
    walk: new Deferred<number>(),
  };
  let evictions = 0;
  let meetAnother = (): void => undefined;
  const say = async (what: string): Promise<number> => {
    if (state.isAway) throw new BackendError('a call', 'stand-in');
    said.push(what);
    return 1;
  };
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: async (keys) => {
      if (evictions++ === state.failAt) state.isAway = true;
      await say(`evict ${keys.length}`);
      await state.held?.promise;
      return keys.length;
    },
    clear: ({ partition }) => say(`clear ${partition}`),
    removeMatching: async () => {
      await say('matching');
      return state.walk.promise;
    },
    read: async ({ space }) => {
      await say(`read ${space.partition}`);
      return NOTHING;
    },
    ping: async () => void (await say('ping')),
    onReborn: (listener) => {
      meetAnother = listener;
    },
  };
  const settings = resolveGuardOptions({ invalidationTimeout: 1, failures: 3, maxRetries }, 'x');
  const guarded = new GuardedBackend(stand as Backend, settings, backendParts({ clock }));
  return { clock, said, state, guarded, reborn: () => meetAnother() };
};

it('A73: very many keys go a portion after another, and reads of others in between', async () => {
  const { clock, said, state, guarded } = stage();
  state.held = new Deferred();
  const evicting = guarded.evict(keysOf('acme'));
  await clock.settle();
  expect(said).toEqual(['evict 1000']);
  await guarded.read(inside.key('cat', { tenant: 'beta' }));
  state.held.resolve(1);
  state.held = undefined;
  expect(await evicting).toBe(MANY);
  expect(said.slice(0, 3)).toEqual(['evict 1000', 'read t.beta', 'evict 1000']);
  expect(said.filter((each) => each === 'evict 1000')).toHaveLength(40);
  expect(said.at(-1)).toBe('evict 500');
});

it('A73: when a portion fails the rest is queued with it, and its tenant alone waits until all of it is sent again', async () => {
  const { clock, said, state, guarded } = stage(100_000);
  state.failAt = 3;
  await expect(guarded.evict(keysOf('acme'))).rejects.toThrow('evict');
  // The caller was told after one portion had failed, not after each of them.
  expect(said).toEqual(Array(3).fill('evict 1000'));
  said.length = 0;
  const held = new Deferred<number>();
  [state.isAway, state.held] = [false, held];
  const reading = guarded.read(inside.key('cat', { tenant: 'acme' }));
  await clock.settle();
  await guarded.read(inside.key('cat', { tenant: 'beta' }));
  expect(said).toEqual(['evict 1000', 'read t.beta']);
  held.resolve(1);
  await reading;
  expect(said.filter((each) => each.startsWith('evict'))).toHaveLength(38);
  expect(said.at(-1)).toBe('read t.acme');
});

it('A73: more names than may wait are one clear of their tenant, in the queue and in the journal', async () => {
  const { clock, said, state, guarded, reborn } = stage();
  state.failAt = 3;
  await expect(guarded.evict(keysOf('acme'))).rejects.toThrow('evict');
  said.length = 0;
  state.isAway = false;
  await guarded.read(inside.key('cat', { tenant: 'acme' }));
  expect(said).toEqual(['clear t.acme', 'read t.acme']);
  await guarded.evict(keysOf('beta'));
  said.length = 0;
  reborn();
  await clock.settle();
  await guarded.read(inside.key('cat', { tenant: 'beta' }));
  expect(said.filter((each) => each.startsWith('evict')).length).toBeLessThan(10);
  expect(said).toContain('clear t.beta');
});

it('A73: a pattern that is sent again and takes its time keeps no other tenant from its hits', async () => {
  const { clock, said, state, guarded } = stage();
  state.isAway = true;
  const view = inside.view({ tenant: 'acme' });
  await expect(guarded.removeMatching({ view, match: compileGlob('*') })).rejects.toThrow();
  await expect(guarded.evict([inside.key('cat', { tenant: 'beta' })])).rejects.toThrow();
  said.length = 0;
  state.isAway = false;
  await clock.advance(1_000);
  // What takes one call goes first, and the walk holds up neither the probe nor the tenant that it is not about.
  expect(said.toSorted()).toEqual(['evict 1', 'matching', 'ping']);
  await guarded.read(inside.key('cat', { tenant: 'beta' }));
  expect(said.at(-1)).toBe('read t.beta');
  const reading = guarded.read(inside.key('cat', { tenant: 'acme' }));
  await clock.settle();
  expect(said.at(-1)).toBe('read t.beta');
  state.walk.resolve(1);
  await reading;
  expect(said.at(-1)).toBe('read t.acme');
});

it('A73: what is queued while a pattern is sent again is sent beside it, and so is a probe', async () => {
  const { clock, said, state, guarded, reborn } = stage();
  const beta = inside.key('cat', { tenant: 'beta' });
  await guarded.evict([beta]);
  state.isAway = true;
  const view = inside.view({ tenant: 'acme' });
  await expect(guarded.removeMatching({ view, match: compileGlob('*') })).rejects.toThrow();
  state.isAway = false;
  await clock.advance(1_000);
  expect(said.at(-1)).toBe('matching');
  said.length = 0;
  // Another server answers while the walk is under way: it is told the last minute before anything is read there.
  reborn();
  await clock.settle();
  // One that never ends would be a test that takes a minute to fail.
  let isRead = false;
  void guarded.read(beta).then(() => (isRead = true));
  await clock.settle();
  expect(isRead).toBe(true);
  expect(said.toSorted()).toEqual(['evict 1', 'ping', 'read t.beta']);
  // The walk was about the server before. It is told again, though no call comes.
  state.walk.resolve(1);
  await clock.advance(2_000);
  expect(said.filter((what) => what === 'matching')).toHaveLength(1);
});

it('A73: a tenant whose names were removed together with those of others goes on as soon as they are', async () => {
  const { clock, guarded } = stage();
  const acme = inside.key('cat', { tenant: 'acme' });
  const beta = inside.key('cat', { tenant: 'beta' });
  const view = inside.view({ tenant: 'gamma' });
  guarded.calls.queueUp({ kind: 'evict', keys: [beta] });
  guarded.calls.queueUp({ kind: 'evict', keys: [acme, beta] });
  guarded.calls.queueUp({ kind: 'matching', selection: { view, match: compileGlob('*') } });
  let isRead = false;
  void guarded.read(beta).then(() => (isRead = true));
  await clock.settle();
  expect(isRead).toBe(true);
});
