/**
 * The caches of one container, which have to know of each other: one without a name is the cache of all decorated methods,
 * so there is one; one that says nothing of scopes takes part in those of the others; and no two keep their entries under
 * one prefix. What is wrong stops the start, whichever of them comes first.
 */
import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { newFlow } from '../assemble.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import { CacheConfigError } from '../core/errors.js';
import { veil } from '../core/veil.js';
import { importersOf, leadsTo, type HostModule } from './cache.container.js';
import { MODULE_OPTIONS_TOKEN } from './cache.module-definition.js';
import type { CacheSettings } from './cache.settings.js';

/** What the module of a cache shows of itself before its options are made. */
export interface CacheMember {
  /** Undefined: the cache of decorated methods, and of services that ask for none by name. */
  readonly name: string | undefined;
}

/** The token of the {@link CacheMember} of a module; one that was imported by its class alone has none. */
export const CACHE_MEMBER: unique symbol = Symbol('cache member');

@Injectable()
export class CacheRoster {
  static {
    veil(this.prototype, 'CacheRoster');
  }

  private readonly entered = new Map<CacheMember, CacheSettings>();
  /** Caches that became global because no cache of the container resolved scopes. */
  private readonly unscoped = new Set<CacheMember>();
  private waiting: (() => void)[] = [];

  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  /**
   * Says what the options of a cache are.
   * @throws CacheConfigError naming what two caches must not have in common
   */
  enter(member: CacheMember, settings: CacheSettings): void {
    this.checkAlone(member);
    for (const [other, { prefix }] of this.entered) {
      if (other === member) continue;
      if (prefix === settings.prefix) throw samePrefix(prefix, other, member);
      if (this.unscoped.has(other) && settings.scope.resolve !== undefined) throw tooLate(other, member);
    }
    this.entered.set(member, settings);
    const { waiting } = this;
    this.waiting = [];
    for (const goOn of waiting) goOn();
  }

  /** The settings of a cache, after what the others say. @throws CacheConfigError */
  async settled(member: CacheMember, settings: CacheSettings): Promise<CacheSettings> {
    const { scope } = settings;
    if (scope.isSaid) return settings;
    await this.allOthers(member);
    const resolvers = new Map<ScopeResolver, CacheMember>();
    for (const [other, { scope: of }] of this.entered)
      if (of.resolve !== undefined && !resolvers.has(of.resolve)) resolvers.set(of.resolve, other);
    const [only, ...others] = resolvers;
    if (only === undefined) {
      this.unscoped.add(member);
      return settings;
    }
    if (others.length > 0) throw ambiguous(member, [...resolvers.values()]);
    return Object.freeze({
      ...settings,
      scope: Object.freeze({ ...scope, resolve: only[0], defaultWidth: 'tenant' as const }),
    });
  }

  /** What to do about a module that was imported by its class alone. */
  bare(): CacheConfigError {
    const where = importersOf(this.modules, isBare);
    return new CacheConfigError(
      'imports',
      `CacheModule is imported without forRoot()${where.length === 0 ? '' : ` by ${where.join(', ')}`}: leave it out there, ` +
        'the cache of the root module is seen everywhere; where that one says isGlobal: false, import the same dynamic module',
    );
  }

  /** @throws CacheConfigError when there is another of its name, or another without one */
  private checkAlone({ name }: CacheMember): void {
    const same = [...this.members().keys()].filter((each) => each.name === name);
    if (same.length < 2) return;
    const where = importersOf(this.modules, (imported) => same.includes(memberOf(imported) as CacheMember));
    const stands = `stands more than once among the imports${where.length === 0 ? '' : ` of ${where.join(', ')}`}`;
    throw new CacheConfigError(
      'forRoot',
      name === undefined
        ? `(or forRootAsync) of CacheModule, without a name, ${stands}: services would use one or the other, depending on ` +
            'where they are. Keep that of the root module, which all modules see, and leave out the others; give a cache that ' +
            "is to be another one a name, forRoot({ name: 'reports' }), and inject it with @InjectCache('reports')"
        : `({ name: '${name}' }) ${stands}: register it once, and import the same dynamic module where it is needed`,
    );
  }

  /** All of the container, with the modules that register them. */
  private members(): ReadonlyMap<CacheMember, HostModule> {
    const found = new Map<CacheMember, HostModule>();
    for (const module of this.modules.values()) {
      const member = module.providers.get(CACHE_MEMBER)?.instance as CacheMember | undefined;
      if (member !== undefined) found.set(member, module);
    }
    return found;
  }

  private async allOthers(member: CacheMember): Promise<void> {
    for (;;) {
      const members = this.members();
      const missing = [...members].filter(([each]) => !this.entered.has(each));
      if (missing.length === 0) return;
      const own = members.get(member);
      for (const [other, module] of missing)
        if (own !== undefined && leadsTo(module, MODULE_OPTIONS_TOKEN, own)) throw inACircle(member, other);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

/** Carries the scopes of all caches of a container: what one says of a call holds for the others. */
export const CACHE_FLOW: unique symbol = Symbol('flow of the caches of a container');

/** One of each in every container, however many caches. */
@Module({
  providers: [CacheRoster, { provide: CACHE_FLOW, useFactory: newFlow }],
  exports: [CacheRoster, CACHE_FLOW],
})
export class CacheRosterModule {}

/** The cache that an imported dynamic module registers. */
function memberOf(imported: unknown): CacheMember | undefined {
  const { providers = [] } = (imported ?? {}) as { readonly providers?: readonly unknown[] };
  const own = providers.find((each) => (each as { provide?: unknown } | null)?.provide === CACHE_MEMBER);
  return (own as { useValue?: CacheMember } | undefined)?.useValue;
}

/** The class of the module, or one that is made of it. */
function isBare(imported: unknown): boolean {
  if (typeof imported !== 'function') return false;
  return ((Reflect.getMetadata('imports', imported) ?? []) as readonly unknown[]).includes(CacheRosterModule);
}

function called({ name }: CacheMember): string {
  return name === undefined ? 'the cache without a name' : `the cache "${name}"`;
}

function samePrefix(prefix: string, one: CacheMember, other: CacheMember): CacheConfigError {
  return new CacheConfigError(
    'prefix',
    `is "${prefix}" for ${called(one)} and for ${called(other)}: on one server they would read and clear each other's ` +
      'entries. Give one of them a prefix of its own, or none, which is made of its name',
  );
}

function ambiguous(member: CacheMember, resolving: readonly CacheMember[]): CacheConfigError {
  return new CacheConfigError(
    'scope',
    `of ${called(member)} says nothing, and ${resolving.map(called).join(' and ')} find out in different ways who is ` +
      "asking: say scope.resolve, or scope: { default: 'global' } for what all tenants share",
  );
}

function inACircle(member: CacheMember, other: CacheMember): CacheConfigError {
  return new CacheConfigError(
    'scope',
    `of ${called(member)} says nothing, so it depends on the options of ${called(other)}, and what makes those needs ` +
      `${called(member)}: say scope.resolve, or scope: { default: 'global' } for what all tenants share`,
  );
}

function tooLate(unscoped: CacheMember, member: CacheMember): CacheConfigError {
  return new CacheConfigError(
    'scope.resolve',
    `of ${called(member)}, which was loaded later, comes after ${called(unscoped)} has become one that all tenants share, ` +
      "for lack of it: say scope: { default: 'global' } there, or scope.resolve",
  );
}
