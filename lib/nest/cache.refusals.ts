/** Why caches of one container cannot live together, for people. Loaded when a start is refused. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { CacheConfigError } from '../core/errors.js';
import { unwrapped } from './cache.container.js';

/** A cache as people call it. */
interface NamedCache {
  readonly name: string | undefined;
}

type IsMeant = (imported: unknown) => boolean;

/** What to do about a module that was imported by its class alone. */
export function bare(modules: ModulesContainer, importedByAll: unknown): CacheConfigError {
  // The class of the module, or one that is made of it.
  const isBare: IsMeant = (imported) =>
    typeof imported === 'function' &&
    ((Reflect.getMetadata('imports', imported) ?? []) as readonly unknown[]).includes(importedByAll);
  const where = importersOf(modules, isBare);
  return new CacheConfigError(
    'imports',
    `CacheModule is imported without forRoot()${where.length === 0 ? '' : ` by ${where.join(', ')}`}: leave it out there, ` +
      'the cache of the root module is seen everywhere; where that one says isGlobal: false, import the same dynamic module',
  );
}

/** There is another cache of its name, or another without one. @param token under which modules keep their caches */
export function twice(
  name: string | undefined,
  modules: ModulesContainer,
  token: symbol,
  same: readonly NamedCache[],
): CacheConfigError {
  const where = importersOf(modules, (imported) => same.includes(cacheOf(imported, token) as NamedCache));
  const stands = `stands more than once among the imports${where.length === 0 ? '' : ` of ${where.join(', ')}`}`;
  return new CacheConfigError(
    'forRoot',
    name === undefined
      ? `(or forRootAsync) of CacheModule, without a name, ${stands}: services would use one or the other, depending on ` +
          'where they are. Keep that of the root module, which all modules see, and leave out the others; give a cache that ' +
          "is to be another one a name, forRoot({ name: 'reports' }), and inject it with @InjectCache('reports')"
      : `({ name: '${name}' }) ${stands}: register it once, and import the same dynamic module where it is needed`,
  );
}

function called({ name }: NamedCache): string {
  return name === undefined ? 'the cache without a name' : `the cache "${name}"`;
}

export function samePrefix(prefix: string, one: NamedCache, other: NamedCache): CacheConfigError {
  return new CacheConfigError(
    'prefix',
    `is "${prefix}" for ${called(one)} and for ${called(other)}: on one server they would read and clear each other's ` +
      'entries. Give one of them a prefix of its own, or none, which is made of its name',
  );
}

export function ambiguous(cache: NamedCache, resolving: readonly NamedCache[]): CacheConfigError {
  return new CacheConfigError(
    'scope',
    `of ${called(cache)} says nothing, and ${resolving.map(called).join(' and ')} find out in different ways who is ` +
      "asking: say scope.resolve, or scope: { default: 'global' } for what all tenants share",
  );
}

export function inACircle(cache: NamedCache, other: NamedCache): CacheConfigError {
  return new CacheConfigError(
    'scope',
    `of ${called(cache)} says nothing, so it depends on the options of ${called(other)}, and what makes those needs ` +
      `${called(cache)}: say scope.resolve, or scope: { default: 'global' } for what all tenants share`,
  );
}

export function tooLate(unscoped: NamedCache, cache: NamedCache): CacheConfigError {
  return new CacheConfigError(
    'scope.resolve',
    `of ${called(cache)}, which was loaded later, comes after ${called(unscoped)} has become one that all tenants share, ` +
      "for lack of it: say scope: { default: 'global' } there, or scope.resolve",
  );
}

/**
 * The classes of modules whose decorator imports something, by their names.
 * @param isMeant looks at what is imported, as it was written
 */
function importersOf(modules: ModulesContainer, isMeant: IsMeant): readonly string[] {
  const found: string[] = [];
  for (const { metatype, name } of modules.values()) {
    const imports = (Reflect.getMetadata('imports', metatype) ?? []) as readonly unknown[];
    if (imports.some((each) => isMeant(unwrapped(each)))) found.push(name);
  }
  return found;
}

/** The cache that an imported dynamic module registers. */
function cacheOf(imported: unknown, token: symbol): unknown {
  const { providers = [] } = (imported ?? {}) as { readonly providers?: readonly unknown[] };
  const own = providers.find((each) => (each as { provide?: unknown } | null)?.provide === token);
  return (own as { useValue?: unknown } | undefined)?.useValue;
}
