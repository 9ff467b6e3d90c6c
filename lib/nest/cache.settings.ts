import { createHash } from 'node:crypto';
import { DEFAULT_CORE_SETTINGS, type CoreSettings } from '../assemble.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import { checkFactory } from '../core/backend-factory.js';
import { CacheConfigError } from '../core/errors.js';
import { checkNamespace } from '../core/keys/key.js';
import { resolveLimits, type LimitOptions } from '../core/limits.js';
import { harmless } from '../core/line-writer.js';
import { knownOptions, ownOptions } from '../core/own-options.js';
import { DEFAULT_POLICY, resolvePolicy, type Policy, type PolicyOptions, type Warn } from '../core/policy.js';
import { WIDTHS, type Width } from '../core/keys/scope.js';
import { resolveApplication } from './application.js';
import type { CacheModuleOptions, ScopeOptions } from './cache.options.js';

/** What a log needs to have; Nest's Logger has it. */
type Log = NonNullable<CoreSettings['log']>;

export interface ScopeSettings {
  readonly resolve: ScopeResolver | undefined;
  readonly defaultWidth: Width;
  readonly onMissing: 'throw' | 'bypass';
  /** False when the options say nothing of scopes: then the other caches of the container do. */
  readonly isExplicit: boolean;
}

/** Options with nothing left to decide. Made once, frozen, handed to every provider of the module. */
export interface CacheSettings extends CoreSettings {
  readonly scope: ScopeSettings;
  readonly log: Log;
  /** Tells of an option that looks like a mistake, once for each place. */
  readonly warn: Warn;
  /** The namespaces that have options of their own. */
  readonly named: readonly string[];
  /** The policy of a namespace, before what a decorator or a call says. */
  policyOf(namespace: string): Policy;
}

const LIMIT_NAMES = Object.freeze([
  'maxValueBytes',
  'maxTtl',
  'maxFlights',
  'maxOutageLoads',
  'maxRefreshes',
  'lease',
  'maxLoad',
  'maxWait',
  'closeTimeout',
] as const satisfies readonly (keyof LimitOptions)[]);
const CODEC_NAMES = Object.freeze(['types', 'serializer', 'compression', 'encryption'] as const);
/** Names of {@link CacheModuleOptions}. */
export const OPTION_NAMES = Object.freeze([
  'backend',
  'prefix',
  'app',
  'environment',
  'enabled',
  'defaults',
  'namespaces',
  'scope',
  'keys',
  'codec',
  'limits',
  'observers',
  'debug',
] as const satisfies readonly (keyof CacheModuleOptions)[]);

/**
 * Applies defaults and validates, once.
 * @param name of the cache; undefined for the one without
 * @throws CacheConfigError naming the option
 */
export function resolveSettings(
  given: CacheModuleOptions,
  logger: Log,
  name?: string,
  env: NodeJS.ProcessEnv = process.env,
): CacheSettings {
  const options = knownOptions(given, '', OPTION_NAMES);
  const log = harmless(logger);
  const warn = oncePerPlace(log);
  const { types, ...codec } = knownOptions(options.codec, 'codec', CODEC_NAMES);
  const defaults = resolvePolicy(DEFAULT_POLICY, options.defaults, 'defaults', warn);
  const namespaces = policiesOf(options.namespaces, defaults, warn);
  return Object.freeze({
    backend: backendOf(options),
    prefix: prefixOf(options.prefix, name),
    application: resolveApplication(options, env),
    isEnabled: flag(options.enabled, 'enabled', true),
    keys: Object.freeze(knownOptions(options.keys, 'keys', ['hashSecret', 'maxReadable'])),
    types: Object.freeze([...list(types, 'codec.types')]),
    codec: Object.freeze(codec),
    limits: resolveLimits(knownOptions(options.limits, 'limits', LIMIT_NAMES), warn),
    observers: Object.freeze([...functions(options.observers, 'observers')]),
    isDebug: flag(options.debug, 'debug', false) || env['CACHE_DEBUG'] === '1',
    log,
    warn,
    named: Object.freeze([...namespaces.keys()]),
    scope: scopeOf(options.scope),
    policyOf: (namespace: string) => namespaces.get(namespace) ?? defaults,
  });
}

/** As many as there are places in the source; a name that is computed stops it from growing without end. */
const MAX_PLACES = 1_000;

function oncePerPlace(log: Log): Warn {
  const told = new Set<string>();
  return (option, problem) => {
    if (told.has(option) || told.size >= MAX_PLACES) return;
    told.add(option);
    log.warn(`${option} ${problem}`);
  };
}

function list<T>(value: readonly T[] | undefined, option: string): readonly T[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new CacheConfigError(option, 'must be a list');
}

function functions<T>(value: readonly T[] | undefined, option: string): readonly T[] {
  const found = list(value, option);
  if (found.every((item) => typeof item === 'function')) return found;
  throw new CacheConfigError(option, 'must be a list of functions');
}

function policiesOf(
  options: CacheModuleOptions['namespaces'],
  defaults: Policy,
  warn: Warn,
): ReadonlyMap<string, Policy> {
  const policies = new Map<string, Policy>();
  for (const [namespace, policy] of Object.entries(
    ownOptions(options, 'namespaces') as Record<string, PolicyOptions>,
  )) {
    policies.set(checkNamespace(namespace), resolvePolicy(defaults, policy, `namespaces.${namespace}`, warn));
  }
  return policies;
}

function backendOf({ backend }: CacheModuleOptions): CacheModuleOptions['backend'] {
  if (backend !== undefined) checkFactory(backend, 'backend');
  return backend;
}

function prefixOf(prefix: string | undefined, name: string | undefined): string {
  if (prefix === undefined) return prefixOfName(name);
  if (typeof prefix === 'string' && /^[\w-]{1,32}$/.test(prefix)) return prefix;
  throw new CacheConfigError('prefix', 'must be 1 to 32 of the characters A-Z a-z 0-9 _ -');
}

/** One that names make different, as long as they are: those that cannot stand in a prefix stand there as a digest. */
function prefixOfName(name: string | undefined): string {
  const { prefix } = DEFAULT_CORE_SETTINGS;
  if (name === undefined) return prefix;
  if (/^[\w-]{1,26}$/.test(name)) return `${prefix}-${name}`;
  return `${prefix}-${createHash('sha256').update(name).digest('hex').slice(0, 26)}`;
}

function scopeOf(given: ScopeOptions | undefined): ScopeSettings {
  const line = typeof given === 'function' ? 'resolve: fromClaims(…)' : "default: 'tenant'";
  if (typeof given === 'function' || typeof given === 'string')
    throw new CacheConfigError('scope', `must be an object of options: write scope: { ${line} }`);
  const scope = knownOptions(given, 'scope', ['resolve', 'default', 'onMissing']);
  const { resolve, onMissing = 'throw' } = scope;
  if (resolve !== undefined && typeof resolve !== 'function')
    throw new CacheConfigError('scope.resolve', 'must be a resolver: fromRequest(…), fromClaims(…), …');
  if (onMissing !== 'throw' && onMissing !== 'bypass')
    throw new CacheConfigError(
      'scope.onMissing',
      "must be 'throw' or 'bypass'; there is no wider scope to fall back to",
    );
  return Object.freeze({
    resolve,
    onMissing,
    isExplicit: resolve !== undefined || scope.default !== undefined,
    defaultWidth: widthOf(scope.default, 'scope.default') ?? (resolve === undefined ? 'global' : 'tenant'),
  });
}

/** A width, or undefined. @throws CacheConfigError naming the option */
export function widthOf(width: unknown, option: string): Width | undefined {
  if (width === undefined || WIDTHS.includes(width as Width)) return width as Width | undefined;
  throw new CacheConfigError(option, "must be 'global', 'tenant' or 'user'");
}

function flag(value: unknown, option: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new CacheConfigError(option, 'must be true or false');
}
