import { partsOf } from '../core/key.js';
import { isPlainObject } from '../core/plain.js';
import type { CacheKey } from './scoped-cache.types.js';

/**
 * The parts of a key that a function made of arguments. A list that it makes is a list of parts. One that came with the
 * arguments is a value of its caller's, perhaps of a client's, and a single part: spread out it could be whatever key of
 * the namespace its sender likes.
 */
export function saidParts(key: CacheKey, args: readonly unknown[]): readonly unknown[] {
  return Array.isArray(key) && isWithin(key, args) ? [key] : partsOf(key);
}

/** The parts of all keys that may be meant by one that goes. */
export function meantParts(key: CacheKey, args: readonly unknown[]): readonly (readonly unknown[])[] {
  return Array.isArray(key) && isWithin(key, args) ? [[key], key] : [partsOf(key)];
}

/** Is it an argument, or a member of one, or of a plain object in one? */
function isWithin(list: object, args: readonly unknown[]): boolean {
  return args.some(
    (arg) =>
      arg === list ||
      membersOf(arg).some((member) => member === list || (isPlain(member) && membersOf(member).includes(list))),
  );
}

function membersOf(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? Object.values(value) : [];
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && isPlainObject(value);
}
