import { expect } from '@jest/globals';
import type { Action, Seen, Who } from './notes.js';

/** One call over a transport, made as `who`; rejects when the call failed. */
export type Ask = (who: Who, action: Action, key: string) => Promise<unknown>;

export const PEOPLE = [
  { tenant: 'acme', user: 'ann' },
  { tenant: 'acme', user: 'bob' },
  { tenant: 'globex', user: 'ann' },
  { tenant: 'globex', user: 'bob' },
] as const;
type Person = (typeof PEOPLE)[number];

const SHARED = ['board', 'verbBoard'] as const;
const OWN = ['mine', 'verbMine'] as const;

/** What each removal takes away from the caller that removes; everything else, of all callers, must stay. */
const REMOVALS: readonly (readonly [Action, readonly Action[]])[] = [
  ['forgetMine', ['mine']],
  ['rewrite', ['mine']],
  ['deleteMine', ['verbMine']],
  ['forgetBoard', ['board']],
  ['forgetTag', ['board']],
  ['deleteBoard', ['verbBoard']],
  ['clear', ['board', 'verbBoard', 'mine', 'verbMine']],
];

/** Two tenants × two users: none reads or removes what is another's, and nothing works without a scope. */
export async function proveIsolation(ask: Ask, key = 'k'): Promise<void> {
  await proveEachReadsTheirOwn(ask, key);
  for (const [removal, gone] of REMOVALS) await proveRemovalStaysAtHome(ask, key, removal, gone);
  await proveNothingWithoutScope(ask, key);
}

async function proveEachReadsTheirOwn(ask: Ask, key: string): Promise<void> {
  const reads = PEOPLE.flatMap((who) => [...SHARED, ...OWN].map((action) => ({ who, action })));
  // All at once and again, so that calls of different people are under way together.
  const answers = await Promise.all(
    [...reads, ...reads].map(async (read) => ({ ...read, seen: await ask(read.who, read.action, key) })),
  );
  for (const { who, action, seen } of answers) expectOwn(who, action, key, seen);
}

async function proveRemovalStaysAtHome(ask: Ask, key: string, removal: Action, gone: readonly Action[]): Promise<void> {
  const remover = PEOPLE[0];
  const before = await snapshot(ask, key);
  await ask(remover, removal, key);
  const after = await snapshot(ask, key);
  for (const who of PEOPLE) {
    for (const action of [...SHARED, ...OWN]) {
      const isOwn = (OWN as readonly Action[]).includes(action);
      const isTouched =
        gone.includes(action) &&
        who.tenant === remover.tenant &&
        (removal === 'clear' || !isOwn || who.user === remover.user);
      const name = `${who.tenant}.${who.user} ${action}`;
      const label = `${name} after ${removal} by ${remover.tenant}.${remover.user}`;
      expect([label, before.get(name) !== after.get(name)]).toEqual([label, isTouched]);
    }
  }
}

async function proveNothingWithoutScope(ask: Ask, key: string): Promise<void> {
  const before = await snapshot(ask, key);
  const actions: Action[] = [...SHARED, ...OWN, ...REMOVALS.map(([removal]) => removal)];
  for (const action of actions) {
    await expect(ask({}, action, key)).rejects.toThrow();
    await expect(ask({ user: 'ann' }, action, key)).rejects.toThrow();
  }
  for (const action of [...OWN, 'forgetMine', 'rewrite', 'deleteMine'] as const) {
    await expect(ask({ tenant: 'acme' }, action, key)).rejects.toThrow();
  }
  expect(await snapshot(ask, key)).toEqual(before);
}

/** Which load each person's values come from. */
async function snapshot(ask: Ask, key: string): Promise<Map<string, number>> {
  const reads = PEOPLE.flatMap((who) => [...SHARED, ...OWN].map((action) => ({ who, action })));
  const numbers = await Promise.all(
    reads.map(async ({ who, action }) => {
      const seen = await ask(who, action, key);
      expectOwn(who, action, key, seen);
      return [`${who.tenant}.${who.user} ${action}`, (seen as Seen).n] as const;
    }),
  );
  return new Map(numbers);
}

function expectOwn(who: Person, action: Action, key: string, seen: unknown): void {
  const isOwn = (OWN as readonly Action[]).includes(action);
  // The loader runs in the scope of the key: of a tenant's entry it knows no user, whichever caller came first.
  expect(seen).toEqual({ t: who.tenant, ...(isOwn ? { u: who.user } : {}), k: key, n: expect.any(Number) });
}
