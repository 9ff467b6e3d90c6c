/**
 * A backend that misbehaves on request: it is late, fails before or after the work was done, or holds calls until told
 * to go on. For testing what a cache does when its server does not answer, and for putting races into a fixed order.
 */
import type { Awaitable } from '../core/async/awaitable.js';
import type { Backend, BackendFactory, BackendParts } from '../core/backend.js';
import { machineOf } from '../core/clock.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import { ChaosBackend } from './chaos.backend.js';
import {
  resolveChaosOptions,
  type ChaosOptions,
  type Disturbance,
  type Operation,
  type ResolvedChaosOptions,
} from './chaos.options.js';
import { seededRandom } from './seeded-random.js';

/** Where a held call is stopped: before it reached the backend, or with its work done and the reply on its way. */
export type Gate = 'request' | 'reply';

/** What was thrown in place of an answer. */
export class ChaosError extends Error {
  constructor(
    readonly operation: Operation,
    /** The work was done all the same; only its reply was lost. */
    readonly wasApplied: boolean,
  ) {
    super(`chaos: ${operation} ${wasApplied ? 'was done, but its reply was lost' : 'failed'}`);
    this.name = 'ChaosError';
  }
}

interface Hold {
  readonly waiting: (() => void)[];
  /** Calls that come now pass. */
  readonly isOpen: boolean;
}

/** The factory of a disturbed backend, and the switches to disturb it with. Backends it makes share the switches. */
export class Chaos implements BackendFactory {
  static {
    hideFromLogs(this.prototype, 'Chaos');
  }

  readonly kind: string;
  readonly about: string | undefined;
  private readonly random: () => number;
  private readonly failures = new Map<Operation, unknown[]>();
  private readonly drops = new Map<Operation, number>();
  private readonly holds = new Map<string, Hold>();
  private readonly counts = new Map<Operation, number>();
  private isDown = false;
  private isCalm = false;

  constructor(
    private readonly factory: BackendFactory,
    private readonly options: ResolvedChaosOptions,
  ) {
    this.kind = factory.kind;
    this.about = factory.about;
    this.random = seededRandom(options.seed);
  }

  create(parts: BackendParts): Backend {
    return new ChaosBackend(this.factory.create(parts), (operation, work) => this.disturb(operation, work, parts));
  }

  /** The next calls of an operation fail without anything being done. */
  failNext(operation: Operation, times = 1, error: unknown = new ChaosError(operation, false)): void {
    const queue = this.failures.get(operation) ?? [];
    for (let time = 0; time < times; time++) queue.push(error);
    this.failures.set(operation, queue);
  }

  /** The next calls of an operation are carried out, and fail all the same. */
  dropNext(operation: Operation, times = 1): void {
    this.drops.set(operation, (this.drops.get(operation) ?? 0) + times);
  }

  /** Everything fails until {@link heal}. */
  break(): void {
    this.isDown = true;
  }

  heal(): void {
    this.isDown = false;
  }

  /** No more random misfortunes; switches still work. */
  calm(): void {
    this.isCalm = true;
  }

  /** Holds the calls of an operation, from now on, until {@link resume}. */
  pause(operation: Operation, gate: Gate = 'request'): void {
    const name = `${operation}.${gate}`;
    this.holds.set(name, { waiting: this.holds.get(name)?.waiting ?? [], isOpen: false });
  }

  /** Holds no further calls of an operation; those that are held stay so until {@link resume}. */
  holdNoMore(operation: Operation, gate: Gate = 'request'): void {
    const name = `${operation}.${gate}`;
    this.holds.set(name, { waiting: this.holds.get(name)?.waiting ?? [], isOpen: true });
  }

  /** Lets go of the held calls of an operation, in their order, and holds no more of them. */
  resume(operation: Operation, gate: Gate = 'request'): void {
    const name = `${operation}.${gate}`;
    const waiting = this.holds.get(name)?.waiting ?? [];
    this.holds.delete(name);
    for (const go of waiting) go();
  }

  /** Calls that are being held. */
  waiting(operation: Operation, gate: Gate = 'request'): number {
    return this.holds.get(`${operation}.${gate}`)?.waiting.length ?? 0;
  }

  /** Calls of an operation so far; of all operations when none is named. */
  calls(operation?: Operation): number {
    if (operation !== undefined) return this.counts.get(operation) ?? 0;
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  private async disturb<T>(operation: Operation, work: () => Awaitable<T>, parts: BackendParts): Promise<T> {
    const clock = machineOf(parts.clock);
    this.counts.set(operation, this.calls(operation) + 1);
    const { delayMs, turns = 0, throwRate = 0, dropRate = 0 } = this.disturbanceOf(operation);
    // Drawn at once, so that what happens does not depend on what else happens meanwhile.
    const [fate, delay, before, after] = [this.random(), this.random(), this.random(), this.random()];
    const isToFail = fate < throwRate;
    const isToDrop = !isToFail && fate < throwRate + dropRate;
    const queued = this.failures.get(operation)?.shift();
    const drops = this.drops.get(operation) ?? 0;
    if (drops > 0) this.drops.set(operation, drops - 1);
    if (delayMs !== undefined) await clock.sleep(delayMs[0] + delay * (delayMs[1] - delayMs[0]));
    for (let turn = Math.floor(before * (turns + 1)); turn > 0; turn--) await clock.breathe();
    await this.pass(operation, 'request');
    if (queued !== undefined) throw queued;
    if (this.isDown || isToFail) throw new ChaosError(operation, false);
    const answer = await work();
    for (let turn = Math.floor(after * (turns + 1)); turn > 0; turn--) await clock.breathe();
    await this.pass(operation, 'reply');
    if (isToDrop || drops > 0) throw new ChaosError(operation, true);
    return answer;
  }

  private async pass(operation: Operation, gate: Gate): Promise<void> {
    const hold = this.holds.get(`${operation}.${gate}`);
    if (hold === undefined || hold.isOpen) return;
    await new Promise<void>((resolve) => {
      hold.waiting.push(resolve);
    });
  }

  private disturbanceOf(operation: Operation): Disturbance {
    const { common, operations } = this.options;
    return this.isCalm ? {} : { ...common, ...operations[operation] };
  }
}

/**
 * Wraps the backends of a factory. They answer asynchronously, as over a network, also when nothing disturbs them.
 *
 * @throws CacheConfigError naming an option that is none, or that cannot work
 * @example
 * const backend = chaos(memory(), { throwRate: 0.1, seed: 42 });
 * const cache = CacheModule.forRoot({ backend });
 * backend.pause('fill');     // every fill is held …
 * backend.resume('fill');    // … until now
 */
export function chaos(factory: BackendFactory, options?: ChaosOptions): Chaos {
  return new Chaos(factory, resolveChaosOptions(options));
}
