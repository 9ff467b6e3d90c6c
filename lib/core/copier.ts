/**
 * Copies values, and refuses those that no backend could store faithfully. Memory uses the same rules as a serializer
 * does, so that moving to a server is a change of configuration and not of behaviour.
 *
 * Allowed: primitives (not functions, symbols), plain objects, arrays, Date, Map, Set, RegExp, URL, typed arrays and
 * Buffers, and instances of registered classes. Each place where an object is reached gets a copy of its own, so shared
 * references come out as equal values; a circle is refused. Not copied: properties that are not enumerable, private
 * fields, and the `lastIndex` of a RegExp.
 */
import { Admission } from './admission.js';
import type { Constructor } from './canonical.js';
import { registerClasses } from './classes.js';
import { copyObject, deepFreeze } from './copy-object.js';
import type { Isolation } from './entry.js';
import type { Classes } from './plain.js';

/** What a copy may occupy when nobody says less. Bounds the work too: a small value can contain itself a million times. */
const MAX_BYTES = 64 * 1_048_576;
const NUMBER_BYTES = 8;

export interface Copied {
  readonly value: unknown;
  /** An estimate of what the copy occupies in this process. */
  readonly sizeBytes: number;
}

export class Copier {
  private readonly classes: Classes;

  /** @throws CacheConfigError when a class cannot be registered */
  constructor(types: readonly Constructor[] = []) {
    this.classes = registerClasses(types);
  }

  /**
   * Takes a value in: checks that it can be stored, measures it, and isolates it from the caller's own.
   * @throws UnserializableError naming the place inside the value
   * @throws ValueTooLargeError as soon as the limit is passed, before the rest is copied
   */
  admit(value: unknown, isolation: Isolation, limitBytes = MAX_BYTES): Copied {
    if (typeof value === 'number' || typeof value === 'boolean') return { value, sizeBytes: NUMBER_BYTES };
    const admission = new Admission(this.classes, limitBytes);
    const copy = admission.admit(value);
    if (isolation === 'none') return { value, sizeBytes: admission.sizeBytes };
    return { value: isolation === 'freeze' ? deepFreeze(copy) : copy, sizeBytes: admission.sizeBytes };
  }

  /** A value handed out of the store, or to one of several callers. It has been admitted before, so nothing is checked. */
  release(value: unknown, isolation: Isolation): unknown {
    return isolation === 'clone' && typeof value === 'object' && value !== null ? copyObject(value) : value;
  }
}
