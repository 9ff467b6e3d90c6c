/** What automatic keys and errors call a decorated method. */
import { MethodName, type Constructor } from '../../core/values/canonical.js';
import { levelsOf, ownConfig, ownDecorations } from './metadata.js';
import type { Member, MethodSite } from './method-site.js';

/** A decorated method as a member of `type`. One that is reached by `super` only keeps the name of its own class too. */
export function memberOf(site: MethodSite, type: Constructor): Member {
  const behind = behindOf(site, type);
  const classNamespace = ownConfig(type.prototype as object).namespace;
  return {
    ...site,
    type,
    classNamespace,
    behind,
    baseName: behind === undefined || ownConfig(site.prototype).namespace !== undefined ? undefined : site.className,
    ownName: [type.name, ...(behind === undefined ? [] : [behind]), site.name].join('.'),
  };
}

/**
 * What leads the automatic keys of a member in a namespace that the application has named. A class is known by the
 * namespace that it says itself, else by its name; so the keys of two classes are never equal, of whatever processes
 * they are.
 *
 *   the namespace of the class itself             m'find
 *   another one                                   m'cats,m'find
 *   of a class that says none                     m'Cats.find
 *   of a method that is reached by `super`        …,m'super.Repository
 */
export function leadOf(member: Member, namespace: string): readonly MethodName[] {
  const { classNamespace, behind, type, name } = member;
  const words = classNamespace === undefined ? [`${type.name}.${name}`] : [name];
  if (classNamespace !== undefined && classNamespace !== namespace) words.unshift(classNamespace);
  if (behind !== undefined) words.push(`super.${behind}`);
  return words.map((word) => new MethodName(word));
}

/**
 * Undefined for the method that objects of the type show. For one that it hides: the class that wrote it, and a number
 * where several classes of that name hide one behind the other.
 */
function behindOf(site: MethodSite, type: Constructor): string | undefined {
  const sites = levelsOf(type.prototype as object).flatMap((level) => {
    const found = ownDecorations(level).find(({ site: { name } }) => name === site.name);
    return found === undefined ? [] : [found.site];
  });
  const hidden = sites.slice(1);
  const at = hidden.findIndex(({ prototype }) => prototype === site.prototype);
  if (at === -1) return undefined;
  const label = labelOf(site);
  // Counted from the base, which overrides in between leave as it is.
  const others = hidden.slice(at + 1).filter((other) => labelOf(other) === label).length;
  return others === 0 ? label : `${label}~${others + 1}`;
}

/** The class in whose source a method stands: by the namespace it says itself, else by its name there. */
function labelOf({ prototype, className }: MethodSite): string {
  return ownConfig(prototype).namespace ?? className;
}
