import { EventEmitter } from 'node:events';
import { partsOf } from '../core/key.js';
import { isPlainObject } from '../core/plain.js';
import type { CacheKey } from './scoped-cache.types.js';

/** So many instances of classes are looked into one inside the other, as a transformer makes them of a body. */
const MAX_INSTANCES = 3;

/**
 * The parts of a key that a function made of arguments. A list that it makes is a list of parts. One that came with the
 * arguments is a value of its caller's, perhaps of a client's, and a single part: spread out it could be whatever key of
 * the namespace its sender likes.
 */
export function saidParts(key: CacheKey, args: readonly unknown[]): readonly unknown[] {
  return isOfCaller(key, args) ? [key] : partsOf(key);
}

/** The parts of all keys that may be meant by one that goes. */
export function meantParts(key: CacheKey, args: readonly unknown[]): readonly (readonly unknown[])[] {
  return isOfCaller(key, args) ? [[key], key] : [partsOf(key)];
}

function isOfCaller(key: CacheKey, args: readonly unknown[]): key is Extract<CacheKey, readonly unknown[]> {
  return Array.isArray(key) && args.some((arg) => holds(arg, key));
}

/**
 * Is it an argument, or somewhere in one? Whatever a client sends is looked through, however deep it lies: plain objects
 * and lists. Of instances not all: an argument may be a request, with half the process behind it.
 */
function holds(arg: unknown, list: object): boolean {
  const seen = new Set<unknown>();
  const open: [value: unknown, instances: number][] = [[arg, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, instances] = next;
    if (value === list) return true;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    const isData = Array.isArray(value) || isPlainObject(value);
    if (!isData && !isLookedInto(value, value === arg ? 0 : instances)) continue;
    for (const member of membersOf(value)) open.push([member, isData ? instances : instances + 1]);
  }
  return false;
}

function isLookedInto(instance: object, before: number): boolean {
  if (before === 0) return !ArrayBuffer.isView(instance);
  return before < MAX_INSTANCES && !ArrayBuffer.isView(instance) && !(instance instanceof EventEmitter);
}

function membersOf(value: object): Iterable<unknown> {
  return value instanceof Map || value instanceof Set ? value.values() : Object.values(value);
}
