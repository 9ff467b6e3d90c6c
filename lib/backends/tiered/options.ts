import type { BackendFactory } from '../../core/backend.js';
import type { BusFactory } from '../../core/bus.js';
import { parseDuration, type Duration } from '../../core/duration.js';
import { CacheConfigError } from '../../core/errors.js';
import { knownOptions } from '../../core/own-options.js';
import type { ResolvedMemoryOptions } from '../memory/options.js';
import { isSecondLevel, type SecondLevelFactory } from '../shared/second-level.js';

/** Options of {@link tiered}. */
export interface TieredOptions {
  /** The level in this process: `memory()`, with its bounds. */
  readonly l1: BackendFactory;
  /** The level that all processes share: `redis()` or `mongo()`. */
  readonly l2: BackendFactory;
  /**
   * The longest that a copy in this process is served without checking with the shared level that it is current (a
   * small request, whatever the size of the value). It bounds how old an answer can be after an invalidation elsewhere,
   * when no message about it arrives. 0: every hit is checked. Up to 1 hour.
   * @default '5s'
   */
  readonly maxUnvalidated?: Duration | undefined;
  /**
   * How processes receive each other's changes. Without `via` the shared level publishes them itself: Redis always does,
   * MongoDB where it has change streams; where it has none, a warning says so and it is as with `false`. false: no process
   * receives them, and `maxUnvalidated` alone bounds how old a copy can be. @default on
   */
  readonly bus?: TieredBusOptions | false | undefined;
}

/** How processes hear of each other's changes. */
export interface TieredBusOptions {
  /**
   * A bus of its own, on which processes publish their changes: `redisBus()` of
   * `nestjs-scoped-cache/redis`, or `localBus()` for caches of one process. While it is away nothing is kept in memory, and
   * calls go to the shared level; a change that could not be announced does not fail, it is bounded by `maxUnvalidated`.
   * All processes must use the same. @default the shared level itself
   *
   * @example
   * tiered({ l1: memory(), l2: mongo({ uri }), bus: { via: redisBus({ url: 'redis://localhost:6379' }) } })
   */
  readonly via?: BusFactory | undefined;
  /**
   * How often a heartbeat is sent, 20 ms to 1 minute. After three intervals without one, copies are dropped and none is
   * kept until messages arrive again.
   * @default '1s'
   */
  readonly heartbeat?: Duration | undefined;
}

export interface ResolvedTieredOptions {
  readonly l1: FirstLevelFactory;
  readonly l2: SecondLevelFactory;
  readonly maxUnvalidatedMs: number;
  /** Undefined: the second level publishes changes itself. */
  readonly via: BusFactory | undefined;
  /** Undefined: no bus. */
  readonly heartbeatMs: number | undefined;
}

const DEFAULT_UNVALIDATED_MS = 5_000;
const LONGEST_UNVALIDATED_MS = 3_600_000;
const DEFAULT_HEARTBEAT_MS = 1_000;
const SHORTEST_HEARTBEAT_MS = 20;
const LONGEST_HEARTBEAT_MS = 60_000;

/** What `memory()` returns: it also has the bounds for copies of a shared level. */
interface FirstLevelFactory extends BackendFactory {
  readonly asFirstLevel: ResolvedMemoryOptions;
}

/** Applies defaults and validates. @throws CacheConfigError naming the option */
export function resolveTieredOptions(options: TieredOptions): ResolvedTieredOptions {
  const { l1, l2, maxUnvalidated, bus } = knownOptions(options, 'tiered', ['l1', 'l2', 'maxUnvalidated', 'bus']);
  if (!isFactory(l1) || !isFirstLevel(l1))
    throw new CacheConfigError('tiered.l1', 'must be memory(), with options as needed');
  if (!isFactory(l2) || !isSecondLevel(l2))
    throw new CacheConfigError(
      'tiered.l2',
      'must be a backend that processes share and that can tell a copy: redis() or mongo()',
    );
  if (isBus(bus)) throw new CacheConfigError('tiered.bus', 'is a bus itself: say bus: { via: … } around it');
  const given = bus === false ? undefined : bus;
  const { via, heartbeat } = knownOptions<TieredBusOptions>(given, 'tiered.bus', ['via', 'heartbeat']);
  if (via !== undefined && !isBus(via))
    throw new CacheConfigError('tiered.bus.via', 'must be a bus: redisBus() or localBus()');
  return Object.freeze({
    l1,
    l2,
    via,
    maxUnvalidatedMs: unvalidatedMs(maxUnvalidated),
    heartbeatMs: bus === false ? undefined : heartbeatMs(heartbeat),
  });
}

function isBus(given: unknown): given is BusFactory {
  return typeof (given as Partial<BusFactory> | null | undefined)?.wire === 'function';
}

function unvalidatedMs(value: Duration | undefined): number {
  if (value === undefined) return DEFAULT_UNVALIDATED_MS;
  if (value === 0) return 0;
  const ms = parseDuration(value, 'tiered.maxUnvalidated');
  if (ms <= LONGEST_UNVALIDATED_MS) return ms;
  throw new CacheConfigError('tiered.maxUnvalidated', 'must be at most one hour; 0 checks every hit');
}

function heartbeatMs(value: Duration | undefined): number {
  if (value === undefined) return DEFAULT_HEARTBEAT_MS;
  const ms = parseDuration(value, 'tiered.bus.heartbeat');
  if (ms >= SHORTEST_HEARTBEAT_MS && ms <= LONGEST_HEARTBEAT_MS) return ms;
  throw new CacheConfigError(
    'tiered.bus.heartbeat',
    `must be from ${SHORTEST_HEARTBEAT_MS} milliseconds to one minute`,
  );
}

function isFactory(factory: BackendFactory | undefined): factory is BackendFactory {
  return typeof factory?.create === 'function';
}

function isFirstLevel(factory: BackendFactory): factory is FirstLevelFactory {
  return (factory as Partial<FirstLevelFactory>).asFirstLevel !== undefined;
}

/** What the line at the start says of them. */
export function aboutLevels({ l1, l2 }: TieredOptions): string {
  return `${l1.kind} over ${l2.about ?? l2.kind}`;
}
