/**
 * Where the parts meet: the page on which one sees the machine. Free of any framework, so that a test or a bench gets
 * the same machine (`test/support/machine/assemble.ts`) that a module does.
 */
import { memory } from './backends/memory/memory.backend.js';
import { wireBus } from './bus/wire.bus.js';
import type { CodecOptions } from './codec/codec.options.js';
import type { CodecMaker } from './codec/codec.maker.js';
import { CacheContext } from './context/cache-context.js';
import { ScopeFlow } from './context/scope-flow.js';
import { ScopeTable } from './context/scope-table.js';
import type { Application } from './core/application.js';
import type { Backend, BackendFactory } from './core/backend.js';
import { createBackend } from './core/backend-factory.js';
import { CacheConfigError } from './core/errors.js';
import type { RegisteredType } from './core/values/type-registration.js';
import { systemClock, type Clock } from './core/clock.js';
import type { Codec } from './core/codec.js';
import { Copier } from './core/values/copier.js';
import { KeyFactory } from './core/keys/key.js';
import { resolveLimits, type Limits } from './core/limits.js';
import { harmless, type LineWriter } from './core/line-writer.js';
import type { NamingOptions } from './core/keys/naming.js';
import type { Observer } from './core/observer.js';
import { StatsRegistry } from './core/keys/stats-registry.js';
import { hideFromLogs } from './core/hide-from-logs.js';
import { CacheEngine } from './engine/cache-engine.js';
import { EventHub, type WriteLog } from './observe/event-hub.js';
import { logObserver } from './observe/log.observer.js';

/** What a cache is built from: options with their defaults applied. */
export interface CoreSettings {
  readonly backend?: BackendFactory | undefined;
  readonly prefix: string;
  /** What this application is called, on servers that others may use too. */
  readonly application?: Application | undefined;
  readonly isEnabled: boolean;
  readonly keys: NamingOptions;
  readonly types: readonly RegisteredType[];
  /** How values are written where they leave the process. `types` stand beside it, because keys need them too. */
  readonly codec: CodecOptions;
  readonly limits: Limits;
  readonly observers: readonly Observer[];
  readonly isDebug: boolean;
  /** Where warnings, errors and debug lines go. Undefined: nowhere. */
  readonly log: LineWriter | undefined;
}

/** What every part stands on. */
export interface Foundation {
  readonly coreSettings: CoreSettings;
  readonly clock: Clock;
  readonly copier: Copier;
  readonly statsRegistry: StatsRegistry;
  readonly keyFactory: KeyFactory;
  readonly hub: EventHub;
  readonly context: CacheContext;
  readonly scopes: ScopeTable;
  readonly random: () => number;
}

/** A cache that works, without anything around it. */
export interface Machine extends Foundation {
  readonly backend: Backend;
  readonly engine: CacheEngine;
  close(): Promise<void>;
}

export const DEFAULT_CORE_SETTINGS: CoreSettings = Object.freeze({
  prefix: 'cache',
  isEnabled: true,
  keys: Object.freeze({}),
  types: Object.freeze([]),
  codec: Object.freeze({}),
  limits: resolveLimits(),
  observers: Object.freeze([]),
  isDebug: false,
  log: undefined,
});

/** What carries the scope along the calls of all caches of an application. */
export function newFlow(): ScopeFlow {
  return new ScopeFlow();
}

/** The scope of a call as one cache sees it. */
export function newContext(flow: ScopeFlow): CacheContext {
  return new CacheContext(flow);
}

export function layFoundation(
  coreSettings: CoreSettings,
  clock: Clock = systemClock,
  context = new CacheContext(),
  random = Math.random,
): Foundation {
  const { keys, types, observers, log, isDebug } = coreSettings;
  const writeLog: WriteLog | undefined =
    log && ((isVerbose, onFailure) => logObserver(harmless(log, onFailure), () => clock.monotonicMs(), isVerbose));
  const statsRegistry = new StatsRegistry(clock);
  const foundation = {
    coreSettings,
    clock,
    copier: new Copier(types),
    statsRegistry,
    keyFactory: new KeyFactory({ ...keys, types }, statsRegistry, { clock }),
    hub: new EventHub(observers, writeLog, isDebug),
    context: context.forCache(),
    scopes: new ScopeTable(),
    random,
  };
  return hideFromLogs(foundation, 'Foundation');
}

/**
 * What makes codecs, loaded where a backend may ask for one or an option has to be looked at: what keeps all in memory
 * never writes a value as bytes, and an application with nothing else does not load what could. undefined: not needed.
 */
export function loadCodecMaker(settings: CoreSettings): Promise<CodecMaker> | undefined {
  const { backend, isEnabled, codec, types } = settings;
  const isNeeded = isEnabled && backend !== undefined && backend.kind !== 'memory';
  if (!isNeeded && Object.keys(codec).length === 0) return undefined;
  return import('./codec/codec.maker.js').then(({ codecMaker }) => codecMaker({ ...codec, types }));
}

/** The backend, with what it needs loaded. A promise where there is something to load. */
export function loadBackend(foundation: Foundation): Backend | Promise<Backend> {
  const { coreSettings } = foundation;
  const loading = loadCodecMaker(coreSettings);
  if (!coreSettings.isEnabled) return loading?.then(() => loadNone(foundation)) ?? loadNone(foundation);
  return loading?.then((makeCodec) => buildBackend(foundation, makeCodec)) ?? buildBackend(foundation, undefined);
}

/** What stands behind a cache that is switched off. */
async function loadNone(foundation: Foundation): Promise<Backend> {
  const { nullBackend } = await import('./backends/null.backend.js');
  return buildBackend(foundation, undefined, nullBackend);
}

/** @param makeCodec what {@link loadCodecMaker} came to */
export function buildBackend(
  foundation: Foundation,
  makeCodec: CodecMaker | undefined,
  factory: BackendFactory = foundation.coreSettings.backend ?? memory(),
): Backend {
  const { coreSettings, clock, copier, hub, random, context } = foundation;
  const { limits, prefix, application } = coreSettings;
  let built: Codec | undefined;
  const codecOf = (): Codec => {
    if (makeCodec === undefined)
      throw new CacheConfigError('backend', "is of kind 'memory' and asks for a codec: name its own kind");
    return (built ??= makeCodec({ limits, emit: hub, prefix }));
  };
  const besideBytes = (): number => besideBytesOf(foundation);
  const own = { clock, copier, codec: codecOf, emit: hub, limits, prefix, application, random, besideBytes };
  const parts = { ...own, bus: wireBus };
  // Timers and connections of a backend must not inherit the scope of the call that happens to start the application.
  return context.outside(() => createBackend(factory, parts, 'backend'));
}

/** What a cache holds beside its entries. */
function besideBytesOf({ scopes, keyFactory, statsRegistry }: Foundation): number {
  return scopes.heldBytes + keyFactory.heldBytes + statsRegistry.heldBytes;
}

export function buildEngine(foundation: Foundation, backend: Backend): CacheEngine {
  const { coreSettings, clock, copier, keyFactory, hub, context, random } = foundation;
  return new CacheEngine({
    backend,
    clock,
    copier,
    keyFactory,
    ambient: context,
    limits: coreSettings.limits,
    emit: hub,
    random,
    isEnabled: coreSettings.isEnabled,
  });
}
