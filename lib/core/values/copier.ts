/**
 * Copies values, and refuses those that no backend could store faithfully. Memory uses the same rules as a serializer
 * does, so that moving to a server is a change of configuration and not of behaviour.
 *
 * Allowed: primitives (not functions, symbols), plain objects, arrays, Date, Map, Set, RegExp, URL, typed arrays and
 * Buffers, and instances of registered classes. Each place where an object is reached gets a copy of its own, so shared
 * references come out as equal values; a circle is refused. Not copied: the `lastIndex` of a RegExp. What an instance
 * keeps elsewhere than in enumerable properties is refused, or goes by what its registration says.
 */
import { Admission } from './admission.js';
import { registerClasses } from './classes.js';
import { copyKnown, copyObject } from './copy-object.js';
import type { Isolation } from './isolation.js';
import { freeze, PartlyFrozen, thaw } from './frozen.js';
import { NestedNames } from './nested-names.js';
import type { ClassLookup, Classes } from './plain.js';
import type { RegisteredType } from './type-registration.js';

/** What a copy may occupy where no limit says less. Bounds the work too: a small value can contain itself a million times. */
const MAX_BYTES = 64 * 1_048_576;
const NUMBER_BYTES = 8;
/** Of a place in the set of what could not be frozen. */
const LOOSE_BYTES = 32;

/** A value as it is kept. What readers get of it, only {@link Copier.release} knows. */
export interface Copied {
  readonly value: unknown;
  /** An estimate of what the copy occupies in this process. */
  readonly sizeBytes: number;
  /** What a copy of it has to look at: given back to {@link Copier.release}, it saves half of the work. */
  readonly nested: NestedNames;
}

export class Copier {
  private readonly classes: Classes;
  private readonly noneNested = NestedNames.none();

  /** @throws CacheConfigError when a class cannot be registered */
  constructor(types: readonly RegisteredType[] = []) {
    this.classes = registerClasses(types);
  }

  /**
   * Takes a value in: checks that it can be stored, measures it, and isolates it from the caller's own.
   * @throws UnserializableError naming the place inside the value
   * @throws ValueTooLargeError as soon as the limit is passed, before the rest is copied
   */
  admit(value: unknown, isolation: Isolation, limitBytes = MAX_BYTES): Copied {
    const { noneNested } = this;
    if (typeof value === 'number' || typeof value === 'boolean')
      return { value, sizeBytes: NUMBER_BYTES, nested: noneNested };
    const admission = new Admission(this.classes, limitBytes, true, noneNested);
    const copy = admission.admit(value);
    const { sizeBytes, nested } = admission;
    if (isolation === 'none') return { value, sizeBytes, nested };
    if (isolation === 'clone') return { value: copy, sizeBytes, nested };
    const frozen = freeze(copy);
    return {
      value: frozen,
      nested,
      sizeBytes: frozen instanceof PartlyFrozen ? sizeBytes + LOOSE_BYTES * frozen.loose.size : sizeBytes,
    };
  }

  /**
   * A copy, for another caller, of a value that is not kept.
   * @param classes whose instances may be in it
   * @throws UnserializableError, ValueTooLargeError
   */
  copy(
    value: unknown,
    isolation: Isolation = 'clone',
    limitBytes = MAX_BYTES,
    classes: ClassLookup = this.classes,
  ): unknown {
    if (isolation === 'freeze') return this.release(this.admit(value, isolation, limitBytes).value, isolation);
    const copy = new Admission(classes, limitBytes, false, this.noneNested).admit(value);
    return isolation === 'none' ? value : copy;
  }

  /**
   * A value handed out of the store, or to one of several callers. It has been admitted before, so nothing is checked.
   * @param nested what its admission said, or {@link NestedNames.and} of several; undefined: nothing is known
   */
  release(value: unknown, isolation: Isolation, nested?: NestedNames): unknown {
    return released(value, isolation, nested);
  }
}

/** {@link Copier.release} for what has no copier at hand. */
export function released(value: unknown, isolation: Isolation, nested: NestedNames | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isolation === 'clone') return nested?.names === undefined ? copyObject(value) : copyKnown(value, nested.names);
  return value instanceof PartlyFrozen ? thaw(value) : value;
}
