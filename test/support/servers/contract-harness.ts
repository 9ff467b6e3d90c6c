/** The contract of backends on real servers. */
import { afterAll, describe, it } from '@jest/globals';
import type { Backend } from '../../../lib/core/backend.js';
import type { RegisteredType } from '../../../lib/core/values/type-registration.js';
import { systemClock } from '../../../lib/core/clock.js';
import { backendContract } from '../../../lib/testing/contract/backend-contract.js';
import type { ContractHarness, ContractRequest, ContractStore } from '../../../lib/testing/contract/contract.js';
import { pause, randomPrefix } from '../redis/redis-process.js';

/** A server answers within a fraction of this, even when everything else runs at the same time. */
const TICK_MS = 180;
/** A case that was held up while time passed is tried so often. */
const MAX_TRIES = 5;
/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
export const LONG_TIMEOUTS = { timeout: '30s', longTimeout: '60s', invalidationTimeout: '40s' } as const;

/**
 * Each store is a keyspace of its own; each client has connections of its own.
 * @param seenAs what a case gets to see of a client; asked for once for each store
 */
export function serverHarness(
  client: (prefix: string, types: readonly RegisteredType[]) => Backend,
  seenAs: () => (backend: Backend) => Backend = () => (backend) => backend,
): ContractHarness {
  return {
    tickMs: TICK_MS,
    open: async ({ clients, types }) => {
      const prefix = randomPrefix();
      const backends = Array.from({ length: clients }, () => client(prefix, types));
      const close = async (): Promise<void> => {
        await Promise.all(backends.map((backend) => backend.close()));
      };
      try {
        await Promise.all(backends.map((backend) => backend.open?.()));
      } catch (error) {
        // Those that did open would keep the process of the tests alive.
        await close();
        throw error;
      }
      return {
        backends: backends.map(seenAs()),
        clock: systemClock,
        // A timer of Node may be early by a millisecond, and two clocks are never quite the same.
        pass: (ms) => pause(ms + 15),
        close,
      };
    },
  };
}

/** Declares the contract as tests, or those cases of it that apply. */
export function proveContract(
  harness: ContractHarness,
  applies: (topic: string, name: string) => boolean = () => true,
): void {
  const shared = new SharedStore(harness);
  afterAll(() => shared.end());
  for (const [topic, all] of Object.entries(backendContract)) {
    const cases = all.filter(({ name }) => applies(topic, name));
    if (cases.length === 0) continue;
    describe(topic, () => {
      it.each(cases)('$name', async ({ run }) => {
        for (let tries = 1; ; tries++) {
          shared.beginCase();
          try {
            return await run(shared);
          } catch (error) {
            const isSaid = tries === MAX_TRIES || !shared.cameTooLate();
            // What is left of a case that failed must not fail the next one.
            await shared.end();
            if (isSaid) throw error;
          }
        }
      });
    });
  }
}

/**
 * Connecting two clients costs more than most cases do, so that cases go on with the store of the one before, unless they
 * need one of their own.
 */
class SharedStore implements ContractHarness {
  readonly tickMs: number;
  private store: Promise<ContractStore> | undefined;
  private beganAtMs = 0;
  /** What the case of now has let pass on purpose. */
  private passedMs = 0;

  constructor(private readonly harness: ContractHarness) {
    this.tickMs = harness.tickMs;
  }

  async open(request: ContractRequest): Promise<ContractStore> {
    if (request.isAlone || request.types.length > 0) return this.watched(await this.harness.open(request));
    this.store ??= this.harness.open(request);
    return { ...this.watched(await this.store), close: async () => undefined };
  }

  beginCase(): void {
    this.beganAtMs = performance.now();
    this.passedMs = 0;
  }

  /**
   * Whether a case that lets time pass was held up for so long besides that what it found says nothing: a machine that
   * others keep busy may have slept through the window that was to be looked at.
   */
  cameTooLate(): boolean {
    const elsewhereMs = performance.now() - this.beganAtMs - this.passedMs;
    return this.passedMs > 0 && elsewhereMs > this.tickMs / 2;
  }

  private watched(store: ContractStore): ContractStore {
    const pass = (ms: number): Promise<void> => {
      this.passedMs += ms;
      return store.pass(ms);
    };
    return { ...store, pass };
  }

  async end(): Promise<void> {
    const { store } = this;
    this.store = undefined;
    await (await store?.catch(() => undefined))?.close();
  }
}

/** The same without those that move thousands of entries: for what differs in the way to a server only. */
export function isAboutThePath(topic: string, name: string): boolean {
  return isAboutTheServer(topic, name) && !/thousands|long listing|during a listing|many clients/.test(name);
}

/** Cases that say something about the server and the way to it: not about values, and not by letting time pass. */
export function isAboutTheServer(topic: string, name: string): boolean {
  return (
    topic !== 'values' && topic !== 'time' && !/\blife\b|lives on|past its ttl|expiry|ends by itself|ran out/.test(name)
  );
}

/**
 * For what differs in the client alone, and never in what the server does: each verb with the answers that it can give,
 * many arguments and none, names of every kind, and what one client changes and another has to learn of. What the server
 * decides is proven over one kind of client, with all cases.
 */
export const OF_EACH_VERB: ReadonlySet<string> = new Set([
  'what was never written reads as nothing',
  'what one client writes, every client reads',
  'many are read in the order of their keys, with gaps where nothing is',
  'reading no keys gives no readings',
  'a reading among many shows what was invalidated, as a single one does',
  'a key that is long, or full of signs that mean something elsewhere, is a key like others',
  'of many who ask at once, exactly one is granted the lease',
  'a refresh is granted although a fresh entry is there, and shows it',
  'a lease that was lost cannot be renewed',
  'a released lease is free for the next at once, and its fill is refused',
  'a fill is stored when nothing happens between its lease and it',
  'a fill is refused (lease-lost) when its key is evicted between its lease and it',
  'a fill is refused (invalidated) when its tag is invalidated for the whole tenant between its lease and it',
  'a fill is refused (refused) when a pattern that matches its key is removed between its lease and it',
  'a fill may bring labels that were not known when the lease was granted',
  'many writes are all there, each its own, across users and tenants',
  'a batch with a value that cannot be stored stores none of its values',
  'writing nothing is nothing',
  'a count starts at nothing and goes up and down',
  'counts lose nothing while somebody changes their ttl',
  'a count may go on without end',
  'whatever is no whole number is no count, and stays as it is',
  'a count carries its tags, and begins anew when one is invalidated',
  'evicting counts what was live, each entry once',
  'many are evicted at once',
  'every label that a space brings invalidates what lies in it',
  'several labels are invalidated in one step',
  'tags that look like something else are tags',
  'clearing a tenant covers everything it and its users have',
  'clearing everything crosses tenants, and counts what was live',
  'clearing a namespace of all tenants covers every width and version of it, and no other',
  'usage counts exactly what is live in a view, and in all of them',
  'a listing knows stars, question marks, classes and escapes',
  'a long listing comes in pages, and leaves nothing out',
  'removing by pattern counts and removes what matches in its view',
  'an instance of a registered class comes back as one',
  'a backend says what it is and how full',
  'a backend that is there answers a ping',
  'a backend may be closed again and again',
]);

export function isAboutTheClient(_topic: string, name: string): boolean {
  return OF_EACH_VERB.has(name);
}
