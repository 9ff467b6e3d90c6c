import { DEFAULT_CORE_SETTINGS, type Machine } from '../../../lib/assemble.js';
import { assemble } from './assemble.js';
import type { Backend, BackendFactory } from '../../../lib/core/backend.js';
import type { Clock } from '../../../lib/core/clock.js';
import type { Key } from '../../../lib/core/keys/key.js';
import { compileGlob } from '../../../lib/core/keys/glob.js';
import { resolveLimits, type LimitOptions } from '../../../lib/core/limits.js';
import { DEFAULT_POLICY, resolvePolicy, type Policy, type PolicyOptions } from '../../../lib/core/policy.js';
import { scopeOf, type Scope, type Width } from '../../../lib/core/keys/scope.js';
import type { Space, View } from '../../../lib/core/keys/space.js';
import type { Call, ResultRules } from '../../../lib/engine/call.js';
import type { Loader } from '../../../lib/engine/loader.js';
import { FakeClock } from '../../../lib/testing/fake.clock.js';
import { recordEvents } from '../../../lib/testing/record-events.js';
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { afterTest, testOfNow } from '../own.js';

/** Where a key of the rig lives. Unless said otherwise: shared at Acme, in `cats`. */
export interface Place {
  readonly tenant?: string;
  readonly user?: string;
  readonly width?: Width;
  readonly namespace?: string;
}

export interface Options extends Place, PolicyOptions {
  readonly tags?: readonly string[];
  readonly rules?: ResultRules;
}

export interface RigOptions<C extends Clock = FakeClock> {
  readonly clock?: C;
  readonly backend?: BackendFactory;
  readonly limits?: LimitOptions;
  readonly random?: () => number;
  readonly isEnabled?: boolean;
  /** False: nobody listens, as in production. */
  readonly isHeard?: boolean;
}

/** Closed after the test that made it: what a machine leaves behind would make every later promise dearer. */
const open = new Map<Rig<Clock>, object | undefined>();

afterTest(async () => {
  const test = testOfNow();
  for (const [rig, maker] of open) {
    if (maker !== undefined && maker !== test) continue;
    open.delete(rig);
    await rig.machine.close();
  }
});

/** A whole machine without Nest, played the way the service plays it. */
export class Rig<C extends Clock = FakeClock> {
  readonly machine: Machine;
  readonly clock: C;
  readonly recorded = recordEvents();
  /** What an operator reads. */
  readonly log: string[] = [];

  constructor(options: RigOptions<C> = {}) {
    this.clock = options.clock ?? (new FakeClock() as Clock as C);
    const { backend, limits, isEnabled = true, isHeard = true, random = seededRandom(1) } = options;
    this.machine = assemble(
      {
        ...DEFAULT_CORE_SETTINGS,
        backend,
        // What a test leaves under way is not waited for.
        limits: resolveLimits({ closeTimeout: '1ms', ...limits }),
        isEnabled,
        observers: isHeard ? [this.recorded.observer] : [],
        log: { log: (line) => this.log.push(line), warn: (line) => this.log.push(line) },
      },
      this.clock,
      random,
    );
    open.set(this as Rig<Clock>, testOfNow());
  }

  get backend(): Backend {
    return this.machine.backend;
  }

  scope({ tenant = 'acme', user }: Place = {}): Scope {
    return this.machine.scopes.of({ tenant, user });
  }

  space(place: Place = {}): Space {
    return this.machine.keyFactory.space(this.scope(place), widthOf(place), place.namespace ?? 'cats');
  }

  key(name: unknown, options: Options = {}): Key {
    return this.machine.keyFactory.key(this.space(options), Array.isArray(name) ? name : [name], options.tags);
  }

  policy(options: PolicyOptions = {}): Policy {
    // Beside the policy stands what says where: a place, tags, whatever a test knows it by.
    return resolvePolicy(DEFAULT_POLICY, options, '', undefined, Object.keys(options));
  }

  call<T>(name: unknown, loader: Loader<T>, options: Options = {}): Call<T> {
    const frame = this.machine.context.current();
    return { key: this.key(name, options), policy: this.policy(options), loader, frame, result: options.rules };
  }

  /** Never throws synchronously, as the engine promises. */
  load<T>(name: unknown, loader: Loader<T>, options?: Options): Promise<T> {
    return Promise.resolve(this.machine.engine.getOrSet(this.call(name, loader, options) as Call)) as Promise<T>;
  }

  put<T>(name: unknown, method: () => T | Promise<T>, options?: Options): Promise<T> {
    return this.machine.engine.put(this.call(name, method, options) as Call, method) as Promise<T>;
  }

  async get(name: unknown, options: Options = {}): Promise<unknown> {
    const frame = this.machine.context.current();
    return this.machine.engine.get({ key: this.key(name, options), policy: this.policy(options), frame });
  }

  set(name: unknown, value: unknown, options: Options = {}): Promise<void> {
    return this.machine.engine.writes.set(this.key(name, options), value, this.policy(options));
  }

  evict(name: unknown, options: Options = {}): Promise<number> {
    return this.machine.engine.writes.evict([this.key(name, options)]);
  }

  invalidateTag(tag: string, place: Place = {}): Promise<void> {
    const label = this.machine.keyFactory.tagLabel(this.scope(place), widthOf(place), tag);
    return this.machine.engine.writes.invalidate(this.space(place), [label]);
  }

  /** Clears a scope at its width; one namespace of it, when the place names one. */
  clear(place: Place = {}): Promise<number> {
    return this.machine.engine.writes.clear(this.space(place), this.view(place));
  }

  /** Clears the namespace of a place for all tenants. */
  clearEverywhere(place: Place = {}): Promise<number> {
    const { engine, keyFactory } = this.machine;
    const space = this.space(place);
    return engine.writes.clearEverything(space, keyFactory.everywhere(space.namespace));
  }

  removeMatching(pattern: string, place: Place = {}): Promise<number> {
    const view = this.view({ namespace: 'cats', ...place });
    return this.machine.engine.writes.removeMatching(this.space(place), { view, match: compileGlob(pattern) });
  }

  view(place: Place = {}): View {
    return this.machine.keyFactory.view(this.scope(place), widthOf(place), place.namespace);
  }

  /** Runs work for somebody, as `runInScope` and the interceptor do. */
  as<R>(ids: { readonly tenant?: string; readonly user?: string }, work: () => R): R {
    const { context } = this.machine;
    return context.run({ scope: scopeOf(ids), loading: context.current()?.loading }, work);
  }
}

function widthOf({ width, user }: Place): Width {
  return width ?? (user === undefined ? 'tenant' : 'user');
}

/** A promise to be settled by hand. */
export class Deferred<T = unknown> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise: Promise<T>;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** A source whose answers are given by hand, one call after the other. */
export class Source<T = unknown> {
  readonly calls: Deferred<T>[] = [];

  readonly load = (): Promise<T> => {
    const call = new Deferred<T>();
    this.calls.push(call);
    return call.promise;
  };

  /** Answers the call at `index`. */
  answer(index: number, value: T): void {
    (this.calls[index] as Deferred<T>).resolve(value);
  }

  fail(index: number, error: unknown): void {
    (this.calls[index] as Deferred<T>).reject(error);
  }
}

/** What a call fails with. Waits for it from now on, so that a rejection never counts as unhandled. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('The call succeeded.');
}
