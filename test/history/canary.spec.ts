import { describe, expect, it } from '@jest/globals';
import assert from 'node:assert/strict';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { CacheError, LoaderTimeoutError } from '../../lib/core/errors.js';
import type { LoaderContext } from '../../lib/engine/loader.js';
import { chaos } from '../../lib/testing/chaos.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { shared } from '../support/machine/backends.js';
import { Rig, type Options } from '../support/machine/rig.js';
import { soaking } from '../support/soak.js';

const TENANTS = 1_000;
const USERS = 5;
const NAMES = 4;
const CALLS = soaking(100_000, 12_000);
const CALLS_OF_TWO = soaking(15_000, 4_000);

/** Whose it is and which one: every value says so, and is looked at by whoever gets it. */
interface Canary {
  readonly t: string;
  readonly u: string | undefined;
  readonly k: number;
  readonly n: number;
}

class Expected extends Error {}

class Worker {
  private readonly random: () => number;
  calls = 0;
  served = 0;
  failed = 0;

  constructor(
    private readonly rig: Rig<Clock>,
    seed: number,
    private readonly everybodysNumber: () => number,
  ) {
    this.random = seededRandom(seed);
  }

  /** One request: somebody, a few calls in a row, with other work in between. */
  async request(): Promise<void> {
    const tenant = `tenant ${Math.floor(this.random() * this.random() * TENANTS)}`;
    const user = `user ${Math.floor(this.random() * USERS)}`;
    await this.rig.as({ tenant, user }, async () => {
      for (let calls = 1 + this.random() * 6; calls > 0; calls--) {
        this.calls++;
        try {
          await this.call();
        } catch (error) {
          const isExpected =
            error instanceof Expected || error instanceof LoaderTimeoutError || error instanceof CacheError;
          if (!isExpected) throw error;
          this.failed++;
        }
        await this.elsewhere();
      }
    });
  }

  private async call(): Promise<void> {
    // Only the surroundings say who is asking, as in an application.
    const { tenant, user } = this.rig.machine.context.scope();
    assert.ok(tenant !== undefined && user !== undefined);
    const isMine = this.random() < 0.5;
    const place: Options = {
      tenant,
      user: isMine ? user : undefined,
      tags: ['red'],
      ttl: this.random() < 0.5 ? 3 : '1h',
    };
    const k = Math.floor(this.random() * NAMES);
    const act = this.random();
    if (act < 0.7) {
      const policy = this.policyOf(place, k);
      const isBounded = policy.hardTimeout !== undefined;
      this.inspect(
        await this.rig.load(k, (context) => this.load(context as LoaderContext, k, isBounded), policy),
        place,
        k,
      );
    } else if (act < 0.85) this.inspect(await this.rig.get(k, place), place, k);
    else if (act < 0.9) await this.rig.set(k, this.make(tenant, place.user, k), place);
    else if (act < 0.93) this.inspect(await this.rig.put(k, () => this.make(tenant, place.user, k), place), place, k);
    else if (act < 0.96) await this.rig.evict(k, place);
    else if (act < 0.98) await this.rig.invalidateTag('red', { tenant, user: place.user });
    else if (act < 0.99) await this.rig.removeMatching(String(k), { tenant, user: place.user });
    else await this.rig.clear({ tenant, user: place.user });
  }

  private policyOf(place: Options, k: number): Options {
    const odd = this.random();
    if (k === 0) return { ...place, staleWhileRevalidate: 500, staleIfError: 1_000 };
    if (odd < 0.25) return { ...place, hardTimeout: 1 };
    return odd < 0.35 ? { ...place, earlyRefresh: 10 } : place;
  }

  /** Loaders believe the scope they are told, and nothing else. */
  private async load({ scope, signal }: LoaderContext, k: number, isBounded: boolean): Promise<Canary> {
    const odd = this.random();
    await this.elsewhere();
    if (odd < 0.02) throw new Expected('the source is down');
    // Never answers; whoever asked said how long that may take.
    if (isBounded && odd < 0.3)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const around = this.rig.machine.context.scope();
    assert.deepEqual([around.tenant, around.user], [scope.tenant, scope.user]);
    return this.make(scope.tenant!, scope.user, k);
  }

  private make(t: string, u: string | undefined, k: number): Canary {
    return { t, u, k, n: this.everybodysNumber() };
  }

  private inspect(value: unknown, { tenant, user }: Options, k: number): void {
    if (value === undefined) return;
    const { t, u, k: ofKey } = value as Canary;
    assert.deepEqual({ t, u, k: ofKey }, { t: tenant, u: user, k });
    this.served++;
  }

  private async elsewhere(): Promise<void> {
    const odd = this.random();
    if (odd < 0.3) await undefined;
    else if (odd < 0.5) await new Promise((resolve) => setImmediate(resolve));
    else if (odd < 0.51) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function soak(rigs: readonly Rig<Clock>[], calls: number, workers: number): Promise<Worker[]> {
  let number = 0;
  let left = calls;
  const all = Array.from({ length: workers }, (_, at) => new Worker(rigs[at % rigs.length]!, at, () => ++number));
  const work = async (worker: Worker): Promise<void> => {
    while (left > 0) {
      const before = worker.calls;
      await worker.request();
      left -= worker.calls - before;
    }
  };
  await Promise.all(all.map(work));
  return all;
}

const rigOn = (backend: ReturnType<typeof memory>): Rig<Clock> =>
  new Rig({ backend, clock: systemClock, isHeard: false, limits: { lease: 300, maxWait: 500 } });

describe('C11: a canary in every value', () => {
  it('interleaved calls of a thousand tenants: nobody is served what is not theirs', async () => {
    const rig = rigOn(memory({ maxEntries: CALLS / 25 }));
    const workers = await soak([rig], CALLS, 200);
    const total = (count: (worker: Worker) => number): number =>
      workers.reduce((sum, worker) => sum + count(worker), 0);
    expect(total(({ calls }) => calls)).toBeGreaterThanOrEqual(CALLS);
    expect(total(({ served }) => served)).toBeGreaterThan(CALLS * 0.6);
    expect(total(({ failed }) => failed)).toBeGreaterThan(CALLS / 1_000);
    const { hits, misses, stale } = rig.machine.statsRegistry.totals;
    expect(hits).toBeGreaterThan(CALLS / 10);
    expect(misses).toBeGreaterThan(CALLS / 10);
    expect(stale).toBeGreaterThan(CALLS / 1_000);
  }, 180_000);

  it('the same over two machines whose shared backend answers late, out of order, and sometimes not at all', async () => {
    const backend = shared(
      chaos(memory({ maxEntries: 4_000 }), { turns: 3, throwRate: 0.02, dropRate: 0.01, seed: 9 }),
    );
    const workers = await soak([rigOn(backend), rigOn(backend)], CALLS_OF_TWO, 200);
    expect(workers.reduce((sum, { served }) => sum + served, 0)).toBeGreaterThan(CALLS_OF_TWO * 0.45);
  }, 180_000);
});
