import type { Constructor, Where } from '../../../core/values/canonical.js';
import { DataClasses } from '../../../core/values/data-classes.js';
import type { Classes } from '../../../core/values/plain.js';
import { SeenShape } from '../../../core/values/seen-shape.js';
import { declaredTypes } from '../metadata.js';
import type { Member } from '../method-site.js';
import { parameterNames, type IgnoredArgs } from './parameter-names.js';

/** So many arguments of a rest parameter may be instances. */
const MAX_REST = 32;

/**
 * By the positions of arguments: the classes whose instances they may be, as far as the compiler has noted types. Object
 * is what it notes where it knows nothing. Of lists it says nothing about the items, and of a class that is imported as a
 * type it says no more than that it is one.
 */
export function declaredClasses(member: Member, registered: Classes): (DataClasses | undefined)[] {
  const found = (declaredTypes(member) ?? []).map((type) =>
    typeof type === 'function' && type !== Object ? new DataClasses(registered, type as Constructor) : undefined,
  );
  const isRest =
    parameterNames(member.written)
      ?.at(found.length - 1)
      ?.startsWith('...') ?? false;
  return isRest ? [...found, ...Array<DataClasses | undefined>(MAX_REST).fill(found.at(-1))] : found;
}

/**
 * The places of a key that such arguments have.
 * @param before how many places come before the first argument
 */
export function placesOf(
  declared: readonly (DataClasses | undefined)[],
  ignored: IgnoredArgs,
  before: number,
): (SeenShape | undefined)[] {
  const counted = declared.filter((_, position) => !ignored.has(position));
  return [...Array<undefined>(before), ...counted].map((classes) => classes && new SeenShape(classes));
}

/** Names arguments in errors by their positions among all that the method was given. */
export function argumentNames(word: string, ignored: IgnoredArgs, before: number): Where {
  return (place) => {
    if (place === undefined) return word;
    let position = -1;
    for (let left = place - before; left >= 0;) if (!ignored.has(++position)) left--;
    return `${word} ${position}`;
  };
}
