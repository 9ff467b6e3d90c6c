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
    // Own ones only: what somebody put into Object.prototype is no member.
    if (typeof member === 'object' && member !== null && Object.hasOwn(copy, key)) copy[key] = copyObject(member);
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
    default: {
      const copy = Object.create(prototype) as Members;
      for (const key of Object.keys(value)) setMember(copy, key, copyMember((value as Members)[key]));
      return copy;
    }
  }
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

/** Freezes data all the way down. Maps, Sets, Dates and bytes cannot be frozen: they stay shared and are documented so. */
export function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Map) for (const entry of value) entry.forEach(deepFreeze);
  else if (value instanceof Set) value.forEach(deepFreeze);
  else for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
