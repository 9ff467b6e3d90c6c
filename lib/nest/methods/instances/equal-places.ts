/** Whether two providers make objects that answer alike: of one class, given the same, as Nest has resolved it. */
import 'reflect-metadata';
import { ModuleRef } from '@nestjs/core';
import { lookUp, wantedBy, type HostModule } from '../../cache.container.js';

/** A provider, as Nest's container keeps it. */
export type Wrapper = HostModule['providers'] extends Map<unknown, infer W> ? W : never;

type Pair = readonly [Wrapper, Wrapper];

/** Where it stands what is injected into a class. */
const PARAMS = 'design:paramtypes';
export const PROPERTIES = 'self:properties_metadata';

/**
 * True where both are one provider, or hold one object, or call the same class or function with what is equal again.
 * False where that cannot be known.
 * @param isLate everything has been resolved; before, what is still to be resolved counts as equal
 */
export function areEqual(one: Wrapper, other: Wrapper, isLate: boolean, asked: readonly Pair[] = []): boolean {
  if (one === other || haveOneObject(one, other)) return true;
  if (!isLate && !(isResolved(one) && isResolved(other))) return true;
  if (!areMadeAlike(one, other)) return false;
  // Of providers that need each other nothing but the way here is left to compare.
  if (asked.some((pair) => pair[0] === one && pair[1] === other)) return true;
  const way = [...asked, [one, other] as const];
  const given = isResolved(one) && isResolved(other) ? givenTo : looksUp;
  const [ours, theirs] = [given(one), given(other)];
  return (
    ours.size === theirs.size &&
    [...ours].every(([place, each]) => {
      const its = theirs.get(place);
      return its !== undefined && areEqual(each, its, isLate, way);
    })
  );
}

/** Whether all is known that a provider is given. What is missing and may be, is known at the end only. */
function isResolved(wrapper: Wrapper): boolean {
  const { metatype } = wrapper;
  if (wrapper.isFactory) return isThere(wrapper.instance);
  if (typeof metatype !== 'function') return true;
  const found = givenTo(wrapper);
  const count = ((Reflect.getMetadata(PARAMS, metatype) ?? []) as readonly unknown[]).length;
  const properties = (Reflect.getMetadata(PROPERTIES, metatype) ?? []) as readonly { readonly key: string | symbol }[];
  return (
    Array.from({ length: count }, (_, at) => at).every((at) => found.has(at)) &&
    properties.every(({ key }) => found.has(key))
  );
}

function haveOneObject(one: Wrapper, other: Wrapper): boolean {
  const theirs = objectsOf(other);
  return objectsOf(one).some((object) => isThere(object) && theirs.some((its) => Object.is(its, object)));
}

/** More than one of a class of which every place gets its own; a factory may hand one of them on. */
function objectsOf(wrapper: Wrapper): readonly unknown[] {
  return wrapper.isTransient ? wrapper.getStaticTransientInstances().map((host) => host?.instance) : [wrapper.instance];
}

function isThere(instance: unknown): boolean {
  return instance !== null && instance !== undefined;
}

function areMadeAlike(one: Wrapper, other: Wrapper): boolean {
  const { metatype } = one;
  return (
    typeof metatype === 'function' &&
    metatype === other.metatype &&
    one.isNotMetatype === other.isNotMetatype &&
    one.scope === other.scope &&
    // Modules and what finds providers in them are other ones in every module.
    one.token !== ModuleRef &&
    one.host?.metatype !== metatype
  );
}

/** What a provider is given, by the positions of its arguments and the names of its properties. */
function givenTo(wrapper: Wrapper): ReadonlyMap<number | string | symbol, Wrapper> {
  const given = new Map<number | string | symbol, Wrapper>();
  // What was not found, and may be missing, is a hole.
  for (const [position, each] of Object.entries((wrapper.getCtorMetadata() as Wrapper[] | undefined) ?? []))
    given.set(Number(position), each);
  for (const { key, wrapper: each } of (wrapper.getPropertiesMetadata() as
    ReturnType<Wrapper['getPropertiesMetadata']> | undefined) ?? [])
    given.set(key, each);
  return given;
}

/** The same for what Nest resolves with each request only, by what Nest would find. */
function looksUp(wrapper: Wrapper): ReadonlyMap<number, Wrapper> {
  const found = new Map<number, Wrapper>();
  const { host } = wrapper;
  for (const [at, token] of (host === undefined ? [] : wantedBy(wrapper)).entries()) {
    const provider = lookUp(host as HostModule, token)?.[1];
    if (provider !== undefined) found.set(at, provider);
  }
  return found;
}
