import { createCodec } from '../../codec/envelope.codec.js';
import { resolveCodecOptions } from '../../codec/codec.options.js';
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Backend, BackendFactory, BackendParts } from '../../core/backend.js';
import { checkFactory, createBackend } from '../../core/backend-factory.js';
import { systemClock, type Clock } from '../../core/clock.js';
import type { Codec } from '../../core/codec.js';
import { resolveLimits, wholeNumber, type LimitOptions } from '../../core/limits.js';
import { CacheConfigError } from '../../core/errors.js';
import { knownOptions } from '../../core/own-options.js';
import { Copier } from '../../core/values/copier.js';
import type { RegisteredType } from '../../core/values/type-registration.js';
import { FakeClock } from '../fake.clock.js';
import type { ContractHarness, ContractRequest, ContractStore } from './contract.js';

/** What differs from the parts that a cache with default options gives its backend. */
export interface ContractPartsOptions {
  readonly clock?: Clock | undefined;
  /** As `codec.types` of the module: classes whose instances may be stored. */
  readonly types?: readonly RegisteredType[] | undefined;
  readonly limits?: LimitOptions | undefined;
  /** The keyspace on a server. @default 'contract' */
  readonly prefix?: string | undefined;
}

/** How the clients of a case reach their store, and how time passes there. */
export interface HarnessOptions {
  /**
   * `shared`: all clients are one backend, for a store inside this process. `each`: every client is a backend of its own
   * over the same store, as separate processes would be. @default 'shared'
   */
  readonly clients?: 'shared' | 'each' | undefined;
  /**
   * For a store whose server has a clock of its own: time passes by waiting, and this is the shortest time in milliseconds
   * that makes a difference there; a few round trips. @default none: time is that of a `FakeClock`
   */
  readonly tickMs?: number | undefined;
}

/** A timer of Node may be early by a millisecond, and two clocks are never quite the same. */
const EARLY_MS = 15;
const MAX_TICK_MS = 60_000;

/**
 * What a cache would hand to a backend, for tests that build one without a module: the real codec, the default limits,
 * and no observer.
 *
 * @experimental The contract of backends may change until 0.1.0.
 * @throws CacheConfigError naming the option that is none, or that cannot work
 */
export function contractParts(options?: ContractPartsOptions): BackendParts {
  const own = knownOptions(options, 'contractParts', ['clock', 'types', 'limits', 'prefix']);
  const { clock = systemClock, types = [], prefix = 'contract' } = own;
  const emit = Object.freeze({ isHeard: false, event: () => undefined });
  const limits = resolveLimits(own.limits);
  let codec: Codec | undefined;
  return {
    clock,
    copier: new Copier(types),
    emit,
    limits,
    prefix,
    random: Math.random,
    codec: () => (codec ??= createCodec(resolveCodecOptions({ types }), { limits, emit, prefix })),
  };
}

/**
 * The way from the contract to a backend of your own: each case gets a store of its own, and parts with a prefix of
 * their own to build it from.
 *
 * @experimental The contract of backends may change until 0.1.0.
 * @param store makes the factory for one empty store
 * @throws CacheConfigError naming the option that is none, or that cannot work
 * @example
 * import { mkdtempSync } from 'node:fs';
 * const harness = contractHarness(() => fileStore({ folder: mkdtempSync('/tmp/store-') }));
 * for (const [topic, cases] of Object.entries(backendContract)) {
 *   describe(topic, () => {
 *     for (const { name, run } of cases) it(name, () => run(harness));
 *   });
 * }
 */
export function contractHarness(store: () => Awaitable<BackendFactory>, options?: HarnessOptions): ContractHarness {
  const { clients = 'shared', tickMs } = knownOptions(options, 'contractHarness', ['clients', 'tickMs']);
  if (clients !== 'shared' && clients !== 'each')
    throw new CacheConfigError('contractHarness.clients', "must be 'shared' or 'each'");
  if (typeof store !== 'function') {
    throw new CacheConfigError(
      'contractHarness',
      'must be a function that makes the factory of an empty store: contractHarness(() => myStore())',
    );
  }
  return {
    tickMs: wholeNumber(tickMs, 'contractHarness.tickMs', 1, 1, MAX_TICK_MS),
    async open({ clients: wanted, types }: ContractRequest): Promise<ContractStore> {
      const clock = tickMs === undefined ? new FakeClock() : systemClock;
      const prefix = `contract-${Math.random().toString(36).slice(2, 12)}`;
      const factory: BackendFactory = await store();
      checkFactory(factory, 'contractHarness');
      const one = (): Backend => createBackend(factory, contractParts({ clock, types, prefix }), 'contractHarness');
      const opened = Array.from({ length: clients === 'each' ? wanted : 1 }, one);
      const close = async (): Promise<void> => {
        await Promise.all(opened.map((backend) => backend.close()));
      };
      try {
        await Promise.all(opened.map((backend) => backend.open?.()));
      } catch (error) {
        // A connection that did open would keep the process of the tests alive.
        await close();
        throw error;
      }
      return {
        backends: Array.from({ length: wanted }, (_, at) => opened[at % opened.length] as Backend),
        clock,
        pass: (ms) => (clock instanceof FakeClock ? clock.advance(ms) : clock.sleep(ms + EARLY_MS)),
        close,
      };
    },
  };
}
