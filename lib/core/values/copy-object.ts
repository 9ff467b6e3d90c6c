import { Packed, unpack } from './packed.js';
import { tagOf } from './plain.js';

export type Members = Record<string, unknown>;

/** A copy of something already admitted. Hot: a hit on an object pays for this. */
export function copyObject(value: object): object {
  if (Array.isArray(value)) return copyArray(value);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype) return copyMembers({ ...value });
  return prototype === Date.prototype ? new Date((value as Date).getTime()) : copyUnusual(value, prototype);
}

/** The copy is flat so far. What is there already is an own property, so assigning to it runs no setter. */
function copyMembers(copy: Members): Members {
  for (const key in copy) {
    const member = copy[key];
    // Own ones only: what was put into Object.prototype is no member.
    if (typeof member === 'object' && member !== null && Object.hasOwn(copy, key)) copy[key] = copyObject(member);
  }
  return copy;
}

/**
 * The same where it is known which names lead to objects: `names` has all of those in its plain objects, and may have more.
 */
export function copyKnown(value: object, names: readonly string[]): object {
  if (Array.isArray(value)) return copyKnownArray(value, names);
  if (Object.getPrototypeOf(value) !== Object.prototype) return copyObject(value);
  const copy: Members = { ...value };
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    const member = copy[name];
    if (typeof member === 'object' && member !== null && Object.hasOwn(copy, name))
      copy[name] = copyKnown(member, names);
  }
  return copy;
}

function copyKnownArray(items: readonly unknown[], names: readonly string[]): unknown[] {
  const copy = items.slice();
  for (let index = 0; index < copy.length; index++) {
    const item = copy[index];
    if (typeof item === 'object' && item !== null) copy[index] = copyKnown(item, names);
  }
  return copy;
}

function copyArray(items: readonly unknown[]): unknown[] {
  const copy = items.slice();
  for (let index = 0; index < copy.length; index++) {
    const item = copy[index];
    if (typeof item === 'object' && item !== null) copy[index] = copyObject(item);
  }
  return copy;
}

function copyUnusual(value: object, prototype: object | null): object {
  if (value instanceof Packed) return unpack(value.known, copyMember(value.json));
  switch (tagOf(value)) {
    case 'Date':
      return new Date((value as Date).getTime());
    case 'Map':
      return new Map(
        Array.from(value as Map<unknown, unknown>, ([key, member]) => [copyMember(key), copyMember(member)]),
      );
    case 'Set':
      return new Set(Array.from(value as Set<unknown>, copyMember));
    case 'RegExp':
      return new RegExp((value as RegExp).source, (value as RegExp).flags);
    case 'URL':
      return new URL((value as URL).href);
    case 'Bytes':
      return Buffer.isBuffer(value) ? Buffer.from(value) : (value as Uint8Array).slice();
    default:
      return copyMembers(copyInstance(value, prototype));
  }
}

/** A copy of its own with the members of the original. Of data only: an array, a plain object, an instance made of properties. */
export function copyFlat(value: object): object {
  if (Array.isArray(value)) return value.slice();
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype ? { ...value } : copyInstance(value, prototype);
}

function copyInstance(value: object, prototype: object | null): Members {
  const copy = Object.create(prototype) as Members;
  for (const key of Object.keys(value)) setMember(copy, key, (value as Members)[key]);
  return copy;
}

function copyMember(member: unknown): unknown {
  return typeof member === 'object' && member !== null ? copyObject(member) : member;
}

/** Never runs a setter: neither that of `__proto__` nor one of a registered class. */
export function setMember(target: Members, key: string, value: unknown): void {
  if (key in target)
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
