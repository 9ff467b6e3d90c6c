import { EventEmitter } from 'node:events';
import { partsOf } from '../../core/keys/key.js';
import { isPlainObject } from '../../core/values/plain.js';
import type { CacheKey } from '../cache/scoped-cache.types.js';

/** So many instances of classes are looked into one inside the other, as a transformer makes them of a body. */
const MAX_INSTANCES = 3;

/** So many things are looked at for one key: keys are made on every hit, and a body may be large. */
const MAX_LOOKED_AT = 4_096;

type List = Extract<CacheKey, readonly unknown[]>;

/**
 * The parts of a key that a function made of arguments. A list that it makes is a list of parts. One that came with the
 * arguments is a value of its caller's, perhaps of a client's, and a single part: spread out it could be whatever key of
 * the namespace its sender likes. Where looking does not tell, `again` does: what a function makes is new each time.
 */
export function explicitParts(key: CacheKey, args: readonly unknown[], again: () => CacheKey): readonly unknown[] {
  if (!Array.isArray(key)) return partsOf(key);
  return (isOfCaller(key as List, args) ?? again() === key) ? [key] : partsOf(key as List);
}

/** The parts of all keys that may be meant by one that goes. */
export function possibleParts(key: CacheKey, args: readonly unknown[]): readonly (readonly unknown[])[] {
  if (!Array.isArray(key)) return [partsOf(key)];
  return (isOfCaller(key as List, args) ?? true) ? [[key], key as List] : [partsOf(key as List)];
}

/** Is it an argument, or somewhere in one? Undefined when not all of them could be looked through. */
function isOfCaller(list: List, args: readonly unknown[]): boolean | undefined {
  let search: Search | undefined;
  for (const arg of args) {
    if (arg === list) return true;
    if (typeof arg === 'object' && arg !== null) (search ??= new Search(list)).add(arg);
  }
  return search === undefined ? false : search.run();
}

/**
 * Whatever a client sends is looked through, however deep it lies: plain objects and lists. Of instances not all: an
 * argument may be a request, with half the process behind it. None of their code runs for it: a getter may fail, or do
 * something.
 */
class Search {
  private readonly seen = new Set<object>();
  private readonly open: [value: object, instances: number][] = [];
  private left = MAX_LOOKED_AT;
  private isFound = false;
  private isUnsure = false;

  constructor(private readonly list: object) {}

  add(arg: object): void {
    this.open.push([arg, 0]);
  }

  run(): boolean | undefined {
    for (let next = this.open.pop(); next !== undefined && !this.isFound && this.left > 0; next = this.open.pop()) {
      const [value, instances] = next;
      if (this.seen.has(value)) continue;
      this.seen.add(value);
      try {
        this.lookInto(value, instances);
      } catch {
        // A proxy that does not answer: what is behind it is not known.
        this.isUnsure = true;
      }
    }
    if (this.isFound) return true;
    return this.isUnsure || this.left <= 0 ? undefined : false;
  }

  private lookInto(value: object, instances: number): void {
    const isData = Array.isArray(value) || isPlainObject(value);
    if (!isData && !isLookedInto(value, instances)) return;
    const depth = isData ? instances : instances + 1;
    if (value instanceof Map) this.lookAtAll(Map.prototype.values.call(value), depth);
    else if (value instanceof Set) this.lookAtAll(Set.prototype.values.call(value), depth);
    else if (Array.isArray(value) && value.length > this.left) this.left = 0;
    else this.lookAtMembers(value, depth);
  }

  private lookAtAll(members: Iterable<unknown>, instances: number): void {
    for (const member of members) {
      this.lookAt(member, instances);
      if (this.isFound || this.left <= 0) return;
    }
  }

  private lookAtMembers(value: object, instances: number): void {
    for (const name of Object.keys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, name);
      if (property?.get !== undefined) this.isUnsure = true;
      this.lookAt(property?.value, instances);
      if (this.isFound || this.left <= 0) return;
    }
  }

  private lookAt(member: unknown, instances: number): void {
    this.left--;
    if (member === this.list) this.isFound = true;
    else if (typeof member === 'object' && member !== null) this.open.push([member, instances]);
  }
}

function isLookedInto(instance: object, before: number): boolean {
  if (before === 0) return !ArrayBuffer.isView(instance);
  return before < MAX_INSTANCES && !ArrayBuffer.isView(instance) && !(instance instanceof EventEmitter);
}
