/** What Nest's container tells of its modules: which imports which, and what has to be there before something is made. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';

/** One module of a container. */
export type HostModule = ModulesContainer extends Map<string, infer Module> ? Module : never;
type Provider = HostModule['providers'] extends Map<unknown, infer Wrapper> ? Wrapper : never;

/** The names under which Nest keeps what a class asks for, beside what the compiler notes of its constructor. */
const EXPLICIT_PARAMS = 'self:paramtypes';
const PROPERTIES = 'self:properties_metadata';
const PARAMS = 'design:paramtypes';

/**
 * Whether a provider cannot be made before one of `goal`: by what factories inject and constructors and properties ask
 * for. What is asked for later, through a ModuleRef, does not count.
 */
export function leadsTo(host: HostModule, token: unknown, goal: HostModule): boolean {
  const seen = new Set<Provider>();
  const open: [HostModule, unknown][] = [[host, token]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [from, wanted] = next;
    const found = lookUp(from, wanted);
    if (found === undefined || seen.has(found[1])) continue;
    const [home, provider] = found;
    if (home === goal) return true;
    seen.add(provider);
    for (const each of wantedBy(provider)) open.push([home, each]);
  }
  return false;
}

/** Where Nest finds what a module asks for: at home, else among what its imports show. */
export function lookUp(from: HostModule, token: unknown): readonly [HostModule, Provider] | undefined {
  const own = from.providers.get(token as never);
  if (own !== undefined) return [from, own];
  for (const imported of from.imports) {
    const found = shownBy(imported, token, new Set());
    if (found !== undefined) return found;
  }
  return undefined;
}

function shownBy(
  module: HostModule,
  token: unknown,
  seen: Set<HostModule>,
): readonly [HostModule, Provider] | undefined {
  if (seen.has(module)) return undefined;
  seen.add(module);
  const exports = module.exports as ReadonlySet<unknown>;
  const own = exports.has(token) ? module.providers.get(token as never) : undefined;
  if (own !== undefined) return [module, own];
  for (const imported of module.imports) {
    const found = exports.has(imported.metatype) ? shownBy(imported, token, seen) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The tokens of what a provider cannot be made without: a factory's, or those of a constructor and of properties. */
export function wantedBy({ inject, metatype }: Provider): readonly unknown[] {
  if (inject != null) return inject.map((each) => unwrapped(tokenOf(each)));
  if (typeof metatype !== 'function') return [];
  const wanted = [...((Reflect.getMetadata(PARAMS, metatype) ?? []) as readonly unknown[])];
  const said = (Reflect.getMetadata(EXPLICIT_PARAMS, metatype) ?? []) as readonly { index: number; param: unknown }[];
  for (const { index, param } of said) wanted[index] = param;
  const properties = (Reflect.getMetadata(PROPERTIES, metatype) ?? []) as readonly { type: unknown }[];
  return [...wanted, ...properties.map(({ type }) => type)].map(unwrapped);
}

/** A factory may say of a token that it can do without. */
function tokenOf(wanted: unknown): unknown {
  return typeof wanted === 'object' && wanted !== null && 'token' in wanted ? wanted.token : wanted;
}

/** What a forward reference refers to. */
export function unwrapped(wanted: unknown): unknown {
  if (typeof wanted !== 'object' || wanted === null || !('forwardRef' in wanted)) return wanted;
  return typeof wanted.forwardRef === 'function' ? (wanted.forwardRef as () => unknown)() : wanted;
}
