/** What a call makes ready before it is sent: in whose time, in which order, and when it is given up. */
import { expect, it } from '@jest/globals';
import { GuardedBackend } from '../../../../lib/backends/resilience/guarded.backend.js';
import { resolveGuardOptions } from '../../../../lib/backends/resilience/options.js';
import { Room } from '../../../../lib/backends/resilience/room.js';
import type { Lease } from '../../../../lib/core/backend.js';
import { BackendError } from '../../../../lib/core/errors.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { backendParts } from '../../../support/machine/backends.js';
import { Deferred } from '../../../support/machine/rig.js';
import { RunInContext } from '../support/inside.js';
import type { Load } from '../../../../lib/backends/shared/due.js';

const inside = new RunInContext();
const TIMEOUT_MS = 100;
const LARGE = 700_000;
const DRAFT = { value: 1, labels: [], freshForMs: 1, keptForMs: 1, isolation: undefined };

/** A server that gets what is made ready, and answers when it is told to. */
const stage = (failures = 3) => {
  const clock = new FakeClock();
  const sent: string[] = [];
  const answers = new Map<string, Deferred<void>>();
  const ready = new Map<string, Deferred<number>>();
  const stand = {
    kind: 'stand-in',
    fill: async ({ token }: Lease, _draft: unknown, load?: Load) => {
      await load?.(ready.get(token)?.promise ?? LARGE, (bytes) => bytes);
      sent.push(token);
      await answers.get(token)?.promise;
      return 'stored';
    },
    evict: async () => {
      throw new BackendError('a call', 'stand-in');
    },
    ping: () => undefined,
    close: async () => undefined,
  };
  const settings = resolveGuardOptions({ timeout: TIMEOUT_MS, failures, invalidationTimeout: 1 }, 'x');
  const guarded = new GuardedBackend(stand as never, settings, backendParts({ clock }));
  const told: string[] = [];
  const fill = (token: string, isReady = true, isAnswered = true): void => {
    if (!isReady) ready.set(token, new Deferred());
    if (!isAnswered) answers.set(token, new Deferred());
    const lease = { key: inside.key(token), token, generation: '', stamp: 0 } as Lease;
    guarded.fill(lease, DRAFT).then(
      (outcome) => told.push(`${token} ${outcome}`),
      (error: Error) => told.push(`${token}: ${error.message.replace(/.*: /, '')}`),
    );
  };
  return { clock, sent, answers, ready, guarded, told, fill };
};

it('A103: what is made ready here takes no time of the server, which has all of it afterwards', async () => {
  const { clock, sent, ready, told, fill, answers } = stage();
  fill('a', false, false);
  await clock.advance(10 * TIMEOUT_MS);
  ready.get('a')?.resolve(1);
  await clock.advance(0.9 * TIMEOUT_MS);
  expect([sent, told]).toEqual([['a'], []]);
  answers.get('a')?.resolve();
  await clock.settle();
  expect(told).toEqual(['a stored']);
  expect(clock.pendingTimers).toBeLessThanOrEqual(2);
});

it('A103: a server that is silent afterwards fails it after one deadline', async () => {
  const { clock, ready, told, fill } = stage();
  fill('a', false, false);
  await clock.advance(10 * TIMEOUT_MS);
  ready.get('a')?.resolve(1);
  await clock.advance(1.5 * TIMEOUT_MS);
  expect(told).toEqual([expect.stringContaining('no answer in time')]);
});

it('A103: what is not ready after sixteen deadlines is given up, is not sent, and says nothing about the server', async () => {
  const { clock, sent, ready, told, fill, guarded } = stage(1);
  fill('a', false);
  await clock.advance(17 * TIMEOUT_MS);
  expect(told).toEqual([expect.stringContaining('not ready in time')]);
  ready.get('a')?.resolve(1);
  await clock.settle();
  expect(sent).toEqual([]);
  // One failure would have opened the circuit.
  await expect(guarded.ping()).resolves.toBeUndefined();
  fill('b');
  await clock.settle();
  expect(told.at(-1)).toBe('b stored');
});

it('A103: large ones go in turn, and wait longer than a deadline where those before them are answered', async () => {
  const { clock, sent, told, fill, answers } = stage();
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) fill(name, true, false);
  for (const [at, name] of names.entries()) {
    await clock.settle();
    expect(sent).toEqual(names.slice(0, at + 1));
    await clock.advance(0.6 * TIMEOUT_MS);
    answers.get(name)?.resolve();
  }
  await clock.settle();
  expect(told).toEqual(names.map((name) => `${name} stored`));
});

it('A104: in line before a server that answers none of them, each is due with a deadline or two, and is not sent', async () => {
  const { clock, sent, told, fill } = stage(1_000);
  for (let at = 0; at < 20; at++) fill(`${at}`, true, false);
  await clock.advance(2.5 * TIMEOUT_MS);
  expect(told).toHaveLength(20);
  expect(sent.length).toBeLessThanOrEqual(3);
  await clock.advance(20 * TIMEOUT_MS);
  expect(sent.length).toBeLessThanOrEqual(3);
  // None of them keeps room that it got too late.
  fill('new');
  await clock.settle();
  expect(told.at(-1)).toBe('new stored');
});

it.each([
  [
    'the circuit has opened',
    'circuit open',
    ({ guarded }: ReturnType<typeof stage>) => guarded.evict([inside.key('x')]),
  ],
  ['the backend was closed', 'closed', ({ guarded }: ReturnType<typeof stage>) => guarded.close()],
])('A104: what was being made ready when %s is not sent', async (_what, why, end) => {
  const all = stage(1);
  const { clock, sent, told, fill, ready } = all;
  fill('a', false);
  await end(all)?.catch(() => undefined);
  ready.get('a')?.resolve(1);
  await clock.settle();
  expect([sent, told]).toEqual([[], [expect.stringContaining(why)]]);
});

it('A103: what is made ready once more, after an answer, keeps no room meanwhile', async () => {
  const clock = new FakeClock();
  const again = new Deferred<number>();
  const sent: string[] = [];
  const bytesOf = (bytes: number): number => bytes;
  const stand = {
    kind: 'stand-in',
    write: async ({ id }: { readonly id: string }, _draft: unknown, { load }: { load: Load }) => {
      await load(LARGE, bytesOf);
      sent.push(id);
      if (sent.length === 1) await load(again.promise, bytesOf);
    },
    ping: () => undefined,
  };
  const settings = resolveGuardOptions({ timeout: TIMEOUT_MS }, 'x');
  const guarded = new GuardedBackend(stand as never, settings, backendParts({ clock }));
  const writing = ['a', 'b'].map((name) => guarded.write(inside.key(name), DRAFT));
  await writing[1];
  expect(sent).toHaveLength(2);
  again.resolve(LARGE);
  await Promise.all(writing);
});

it('A104: of a call that fails while more of it is made ready, the caller hears at once, and nothing comes due later', async () => {
  const clock = new FakeClock();
  const late = new Deferred<number>();
  const stand = {
    kind: 'stand-in',
    writeMany: async (_entries: unknown, dueMs: { load: Load }) => {
      await Promise.all([
        dueMs.load(late.promise, (bytes) => bytes),
        dueMs.load(1).then(() => Promise.reject(new BackendError('a call', 'stand-in', { why: 'lost' }))),
      ]);
    },
    ping: () => undefined,
  };
  const settings = resolveGuardOptions({ timeout: TIMEOUT_MS, failures: 2 }, 'x');
  const guarded = new GuardedBackend(stand as never, settings, backendParts({ clock }));
  const writing = guarded.writeMany([[inside.key('a'), DRAFT]]);
  await expect(writing).rejects.toThrow('lost');
  late.resolve(LARGE);
  // A second failure would open the circuit.
  await clock.advance(3 * TIMEOUT_MS);
  await expect(guarded.writeMany([[inside.key('a'), DRAFT]])).rejects.toThrow('lost');
});

it('A103: room is given in the order in which it was asked for, to one that is larger than all of it too', async () => {
  const room = new Room();
  const inRoom: number[] = [];
  const leaves: (() => void)[] = [];
  for (const bytes of [600_000, 600_000, 100_000, 5_000_000, 1])
    void room.enter(bytes).then((leave) => {
      inRoom.push(bytes);
      leaves.push(() => leave(true));
    });
  const settle = (): Promise<void> => new Promise(setImmediate);
  await settle();
  // What would fit does not pass what came before it.
  expect(inRoom).toEqual([600_000]);
  leaves[0]?.();
  await settle();
  expect(inRoom).toEqual([600_000, 600_000, 100_000]);
  leaves[1]?.();
  leaves[2]?.();
  await settle();
  expect(inRoom.at(-1)).toBe(5_000_000);
  leaves[3]?.();
  await settle();
  expect(inRoom.at(-1)).toBe(1);
  expect(room.answers).toBe(4);
});
