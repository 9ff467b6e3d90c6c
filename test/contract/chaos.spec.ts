import { describe, expect, it } from '@jest/globals';
import assert from 'node:assert/strict';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { Backend } from '../../lib/core/backend.js';
import { compileGlob } from '../../lib/core/keys/glob.js';
import { KeyFactory, type Key } from '../../lib/core/keys/key.js';
import { scopeOf } from '../../lib/core/keys/scope.js';
import { survives } from '../../lib/core/stamp.js';
import { StatsRegistry } from '../../lib/core/keys/stats-registry.js';
import { chaos, ChaosError } from '../../lib/testing/chaos.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { backendParts } from '../support/machine/backends.js';

const ABSENT = Symbol('absent');
const PLACES = [
  { tenant: 'acme', user: 'ann' },
  { tenant: 'acme', user: 'bob' },
  { tenant: 'beta', user: 'ann' },
] as const;

/** One player whose calls fail half of the time, some of them after they were carried out. */
class Player {
  private readonly keyFactory = new KeyFactory({}, new StatsRegistry());
  private readonly keys: readonly Key[];
  /** What may be under each key, as far as can be known from what was reported. */
  private readonly possible = new Map<string, Set<unknown>>();
  failures = 0;

  constructor(
    private readonly backend: Backend,
    private readonly random: () => number,
  ) {
    this.keys = PLACES.flatMap((ids) =>
      ['a', 'b', 'c'].map((name) =>
        this.keyFactory.key(this.keyFactory.space(scopeOf(ids), 'user', 'cats'), [name], ['x']),
      ),
    );
    for (const { id } of this.keys) this.possible.set(id, new Set([ABSENT]));
  }

  async step(at: number): Promise<void> {
    const key = this.keys[Math.floor(this.random() * this.keys.length)]!;
    const value = { at, of: key.id };
    const act = this.random();
    if (act < 0.35) await this.look(key);
    else if (act < 0.55) await this.change([key], value, () => this.backend.write(key, this.draft(key, value)));
    else if (act < 0.75) await this.load(key, value);
    else if (act < 0.85) await this.change([key], ABSENT, () => this.backend.evict([key]));
    else if (act < 0.9) {
      const { partition, labels } = key.space;
      const mine = this.keys.filter(({ space }) => space.path === key.space.path);
      await this.change(mine, ABSENT, () => this.backend.invalidate(partition, labels.slice(1, 2)));
    } else if (act < 0.95) {
      const view = this.keyFactory.view(key.space.scope, 'tenant', undefined);
      const ours = this.keys.filter(({ space }) => space.partition === key.space.partition);
      await this.change(ours, ABSENT, () => this.backend.clear(view));
    } else {
      const view = this.keyFactory.view(key.space.scope, 'user', 'cats');
      const mine = this.keys.filter(({ space, id }) => space.path === key.space.path && id.endsWith("'a"));
      await this.change(mine, ABSENT, () => this.backend.removeMatching({ view, match: compileGlob('a') }));
    }
  }

  async lookEverywhere(): Promise<void> {
    for (const key of this.keys) await this.look(key);
  }

  /** What is read must be possible, and is certain from then on. */
  private async look(key: Key): Promise<void> {
    const reading = await this.attempt(() => this.backend.read(key));
    if (reading === undefined) return;
    const { entry, required } = reading;
    const value: unknown = entry !== undefined && survives(entry, required) ? entry.value : ABSENT;
    if (value !== ABSENT) assert.equal(entry?.identity, key.id);
    const possible = [...(this.possible.get(key.id) ?? [])];
    const found = possible.find((one) => one === value || (one !== ABSENT && value !== ABSENT && sameText(one, value)));
    assert.ok(found !== undefined, `${String(JSON.stringify(value))} is none of ${JSON.stringify(possible)}`);
    this.possible.set(key.id, new Set([found]));
  }

  private async load(key: Key, value: unknown): Promise<void> {
    const reply = await this.attempt(() => this.backend.lease(key, { leaseMs: 1_000, purpose: 'replace' }));
    if (reply?.kind !== 'granted') return;
    await this.change([key], value, async () => {
      const outcome = await this.backend.fill(reply.lease, this.draft(key, value));
      assert.equal(outcome, 'stored', 'nobody else was there to void the lease');
    });
  }

  /** Done for certain when it says so; done or not when it fails. */
  private async change(keys: readonly Key[], value: unknown, work: () => unknown): Promise<void> {
    const isDone = (await this.attempt(async () => (await work(), true))) === true;
    for (const { id } of keys) this.possible.set(id, new Set(isDone ? [value] : [...this.possible.get(id)!, value]));
  }

  private async attempt<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
      this.failures++;
      return undefined;
    }
  }

  private draft(key: Key, value: unknown): Parameters<Backend['write']>[1] {
    return { value, labels: key.labels, freshForMs: 3_600_000, keptForMs: 3_600_000, isolation: undefined };
  }
}

function sameText(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

describe('memory behind a line that fails', () => {
  it.each([1, 2, 3, 4, 5])('what was reported as done holds, and errors corrupt nothing (seed %i)', async (seed) => {
    const factory = chaos(memory(), { seed, throwRate: 0.25, dropRate: 0.25, turns: 1 });
    const player = new Player(factory.create(backendParts({ clock: new FakeClock() })), seededRandom(seed));
    for (let at = 0; at < 1_500; at++) await player.step(at);
    factory.calm();
    await player.lookEverywhere();
    expect(player.failures).toBeGreaterThan(300);
  });
});
