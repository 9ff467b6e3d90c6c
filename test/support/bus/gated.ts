import type { Backend, BackendFactory, BackendParts } from '../../../lib/core/backend.js';
import type { SecondLevel, SecondLevelFactory } from '../../../lib/backends/shared/second-level.js';
import { Deferred } from '../machine/rig.js';

/**
 * A second level whose answers can be held back: the server has given them, and they are still under way. Everything
 * else about it is real.
 */
export class Gated implements SecondLevelFactory {
  readonly kind: string;
  private readonly held = new Map<string, Deferred<void>>();
  private readonly waiting = new Map<string, Deferred<void>>();
  private readonly reached = new Map<string, Deferred<void>>();

  constructor(private readonly inner: BackendFactory) {
    this.kind = inner.kind;
  }

  create(parts: BackendParts): Backend {
    return this.inner.create(parts);
  }

  asSecondLevel(parts: BackendParts, origin: string): SecondLevel {
    const level = (this.inner as SecondLevelFactory).asSecondLevel(parts, origin);
    const backend = new Proxy(level.backend, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== 'function') return found;
        return (...args: unknown[]) => this.pass(String(name), () => Reflect.apply(found, target, args) as unknown);
      },
    });
    return {
      ...level,
      backend,
      stillStands: (...args) => this.pass('stillStands', () => level.stillStands(...args)) as Promise<boolean>,
    };
  }

  /** From now on answers of this verb wait. Resolves when one has come and is being held. */
  hold(verb: string): Promise<void> {
    this.held.set(verb, new Deferred());
    const reached = new Deferred<void>();
    this.reached.set(verb, reached);
    return reached.promise;
  }

  /** From now on calls of this verb wait before they reach the server. */
  holdRequest(verb: string): void {
    this.waiting.set(verb, new Deferred());
  }

  release(verb: string): void {
    for (const gates of [this.held, this.waiting]) {
      gates.get(verb)?.resolve();
      gates.delete(verb);
    }
  }

  private pass(verb: string, work: () => unknown): unknown {
    const before = this.waiting.get(verb);
    const answer = before === undefined ? work() : before.promise.then(work);
    const gate = this.held.get(verb);
    if (gate === undefined) return answer;
    return (async () => {
      const settled = await answer;
      this.reached.get(verb)?.resolve();
      await gate.promise;
      return settled;
    })();
  }
}
