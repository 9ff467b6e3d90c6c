/** Looks over what decorators are given when the class is defined, so that a mistake stops the start and not a call. */
import type { Duration } from '../../core/duration.js';
import { CacheConfigError } from '../../core/errors.js';
import { checkNamespace } from '../../core/keys/key.js';
import { checkTags } from '../../core/keys/label.js';
import { ownOptions, refuseUnknown } from '../../core/own-options.js';
import { DEFAULT_POLICY, POLICY_OPTION_NAMES, resolvePolicy, type PolicyOptions } from '../../core/policy.js';
import { isAsync } from '../../core/async/thenable.js';
import { reasonOf } from '../cache/reason.js';
import { widthOf } from '../cache.settings.js';
import type { CacheableOptions, CacheConfigOptions, CacheEvictOptions, CommonOptions } from './decorator.options.js';
import type { MethodSite } from './method-site.js';
import { IgnoredArgs } from './parameters/parameter-names.js';

const COMMON = ['cache', 'namespace', 'scope', 'context', 'condition', 'verbose'] as const;
const CACHEABLE = Object.freeze([
  ...COMMON,
  ...POLICY_OPTION_NAMES,
  'key',
  'ignoreArgs',
  'tags',
  'resultTags',
  'unless',
  'version',
] as const);
const EVICT = Object.freeze([
  ...COMMON,
  'key',
  'keys',
  'pattern',
  'tags',
  'allEntries',
  'method',
  'args',
  'before',
  'failSilently',
  'reason',
] as const);
const CONFIG = Object.freeze([...POLICY_OPTION_NAMES, 'cache', 'namespace', 'scope', 'instances'] as const);

/** What a decorator that takes a ttl or options was given, as options of its author's own. */
export function givenOptions(options: CacheableOptions | Duration | null | undefined, where: string): CacheableOptions {
  refuseUncalled(options, where);
  return typeof options === 'object' && options !== null
    ? ownOptions<CacheableOptions>(options, where)
    : ownOptions<CacheableOptions>({ ttl: options }, where);
}

/** `@Cacheable` without its call is handed the prototype of the class. @throws CacheConfigError */
export function refuseUncalled(options: unknown, where: string): void {
  if (typeof options === 'object' && options !== null && Object.hasOwn(options, 'constructor'))
    throw new CacheConfigError(where, `is written without its call: write ${where}()`);
}

export function checkCacheableOptions(options: CacheableOptions, site: MethodSite, decorator: string): void {
  const where = `${decorator} ${site.title}`;
  refuseUnknown(options, where, CACHEABLE);
  checkCommon(options, where);
  resolvePolicy(DEFAULT_POLICY, policyPart(options), where);
  void new IgnoredArgs(options.ignoreArgs, site, `${where}.ignoreArgs`);
  checkFunctions(options, ['resultTags', 'unless'], where);
  refuseAsync(options, ['key', 'tags'], where);
  checkFixedTags(options.tags, where);
  if (options.key !== undefined && options.ignoreArgs !== undefined)
    throw new CacheConfigError(`${where}.ignoreArgs`, 'has no meaning beside `key`; leave one of them out');
  const { version } = options;
  if (version !== undefined && !/^[\w.-]{1,32}$/.test(String(version)))
    throw new CacheConfigError(`${where}.version`, 'must be 1 to 32 letters, digits or _ . -');
}

export function checkEvictOptions(options: CacheEvictOptions, site: MethodSite): void {
  const where = `@CacheEvict ${site.title}`;
  refuseUnknown(options, where, EVICT);
  checkCommon(options, where);
  checkFunctions(options, ['args'], where);
  refuseAsync(options, ['key', 'keys', 'pattern', 'tags'], where);
  checkFlags(options, ['allEntries', 'before', 'failSilently'], where);
  reasonOf(options.reason, `${where}.reason`);
  checkFixedTags(options.tags, where);
  const says =
    [options.key, options.keys, options.pattern, options.tags, options.method].some((said) => said !== undefined) ||
    options.allEntries === true;
  if (!says) throw new CacheConfigError(where, 'must say what goes: key, keys, pattern, tags, allEntries or method');
  if (options.args !== undefined && options.method === undefined)
    throw new CacheConfigError(`${where}.args`, 'needs `method`: whose arguments are they?');
}

export function checkClassConfig(options: CacheConfigOptions, className: string): void {
  const where = `@CacheConfig ${className}`;
  refuseUnknown(options, where, CONFIG);
  checkCache(options.cache, where);
  widthOf(options.scope, `${where}.scope`);
  if (options.namespace !== undefined) checkNamespace(options.namespace);
  const { instances } = options;
  if (instances !== undefined && instances !== 'shared' && typeof instances !== 'function')
    throw new CacheConfigError(`${where}.instances`, "must be 'shared' or a function of an object of the class");
  resolvePolicy(DEFAULT_POLICY, policyPart(options), where);
}

/** The policy among the options of a decorator. */
export function policyPart(options: object): PolicyOptions {
  return Object.fromEntries(
    POLICY_OPTION_NAMES.filter((name) => Object.hasOwn(options, name)).map((name) => [
      name,
      (options as Record<string, unknown>)[name],
    ]),
  );
}

function checkCommon(options: CommonOptions, where: string): void {
  checkCache(options.cache, where);
  widthOf(options.scope, `${where}.scope`);
  if (options.namespace !== undefined) checkNamespace(options.namespace);
  checkFunctions(options, ['context', 'condition'], where);
  checkFlags(options, ['verbose'], where);
}

function checkCache(cache: unknown, where: string): void {
  if (cache !== undefined && (typeof cache !== 'string' || cache === ''))
    throw new CacheConfigError(
      `${where}.cache`,
      "must be the name of a cache: 'reports' of forRoot({ name: 'reports' })",
    );
}

/** Those that are the same for all calls. @throws CacheConfigError, TagInvalidError */
function checkFixedTags(tags: unknown, where: string): void {
  if (tags === undefined || typeof tags === 'function') return;
  if (!Array.isArray(tags))
    throw new CacheConfigError(`${where}.tags`, "must be a list such as ['cats'], or a function that returns one");
  checkTags(tags);
}

function checkFlags(options: object, names: readonly string[], where: string): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw new CacheConfigError(`${where}.${name}`, 'must be true or false');
  }
}

function checkFunctions(options: object, names: readonly string[], where: string): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && typeof value !== 'function')
      throw new CacheConfigError(`${where}.${name}`, 'must be a function');
  }
  refuseAsync(options, names, where);
}

/** A promise is never the answer: a test for truth takes it for yes, and its value comes after the call has gone on. */
function refuseAsync(options: object, names: readonly string[], where: string): void {
  for (const name of names) {
    if (isAsync((options as Record<string, unknown>)[name]))
      throw new CacheConfigError(`${where}.${name}`, 'must not be async: it has to answer at once');
  }
}
