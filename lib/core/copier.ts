/**
 * Copies values, and refuses those that no backend could store faithfully. Memory uses the same rules as a serializer
 * does, so that moving to a server is a change of configuration and not of behaviour.
 *
 * Allowed: primitives (not functions, symbols), plain objects, arrays, Date, Map, Set, RegExp, URL, typed arrays and
 * Buffers, and instances of registered classes. Each place where an object is reached gets a copy of its own, so shared
 * references come out as equal values; a circle is refused.
 */
import type { Constructor } from './canonical.js';
import type { Isolation } from './entry.js';
import { UnserializableError } from './errors.js';
import { isPlainObject, stepName, tagOf } from './plain.js';

const MAX_DEPTH = 64;
/** Rough bytes of an object, array or other container, of one property, and of a number or boolean. */
const CONTAINER_BYTES = 48;
const SLOT_BYTES = 8;
const NUMBER_BYTES = 8;

export interface Copied {
  readonly value: unknown;
  /** An estimate of what the copy occupies in this process. */
  readonly sizeBytes: number;
}

type Members = Record<string, unknown>;

export class Copier {
  constructor(private readonly types: readonly Constructor[] = []) {}

  /**
   * Takes a value in: checks that it can be stored, measures it, and isolates it from the caller's own.
   * @throws UnserializableError naming the place inside the value.
   */
  admit(value: unknown, isolation: Isolation): Copied {
    if (typeof value === 'number' || typeof value === 'boolean') return { value, sizeBytes: NUMBER_BYTES };
    const admission = new Admission(this.types);
    const copy = admission.take(value);
    if (isolation === 'none') return { value, sizeBytes: admission.sizeBytes };
    return { value: isolation === 'freeze' ? deepFreeze(copy) : copy, sizeBytes: admission.sizeBytes };
  }

  /** A value handed out of the store, or to one of several callers. It has been admitted before, so nothing is checked. */
  release(value: unknown, isolation: Isolation): unknown {
    return isolation === 'clone' && typeof value === 'object' && value !== null ? copyObject(value) : value;
  }
}

/** A copy of something already admitted. Hot: a hit on an object pays for this. */
function copyObject(value: object): object {
  if (Array.isArray(value)) return copyArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return copyMembers({ ...(value as Members) });
  return copyUnusual(value, prototype as object | null);
}

function copyMembers<T extends Members>(copy: T): T {
  for (const key in copy) {
    const member: unknown = copy[key];
    // Assigning to an own property called __proto__ would set the prototype; defineProperty keeps it a property.
    if (typeof member === 'object' && member !== null) setMember(copy, key, copyObject(member));
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
  switch (isPlainObject(value) ? 'Plain' : tagOf(value)) {
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
      return copyBytes(value as Uint8Array);
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

function copyBytes(bytes: Uint8Array): Uint8Array {
  // Buffer.slice shares memory with its source, so Buffers are copied by name.
  return Buffer.isBuffer(bytes) ? Buffer.from(bytes) : bytes.slice();
}

function setMember(target: Members, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** Freezes data all the way down. Maps, Sets, Dates and bytes cannot be frozen: they stay shared and are documented so. */
function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}

/** One walk that checks, measures and copies. */
class Admission {
  sizeBytes = 0;
  private readonly path: (string | number)[] = [];

  constructor(private readonly types: readonly Constructor[]) {}

  take(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.sizeBytes += CONTAINER_BYTES / 2 + value.length;
        return value;
      case 'object':
        return value === null ? null : this.takeObject(value);
      case 'function':
      case 'symbol':
        throw this.refusal(`is a ${typeof value}, which cannot be stored`);
      default:
        this.sizeBytes += NUMBER_BYTES;
        return value;
    }
  }

  private takeObject(value: object): object {
    if (this.path.length >= MAX_DEPTH) throw this.refusal('is nested too deeply (or refers to itself)');
    this.sizeBytes += CONTAINER_BYTES;
    if (Array.isArray(value)) return this.takeArray(value);
    if (isPlainObject(value))
      return this.takeMembers(value, Object.getPrototypeOf(value) === null ? (Object.create(null) as Members) : {});
    const type = this.types.find((candidate) => Object.getPrototypeOf(value) === candidate.prototype);
    if (type !== undefined) return this.takeMembers(value, Object.create(type.prototype as object) as Members);
    return this.takeBuiltin(value);
  }

  private takeArray(items: readonly unknown[]): unknown[] {
    this.sizeBytes += items.length * SLOT_BYTES;
    const copy: unknown[] = [];
    copy.length = items.length;
    // Holes stay holes.
    for (let index = 0; index < items.length; index++)
      if (index in items) copy[index] = this.within(index, items[index]);
    return copy;
  }

  private takeMembers(value: object, copy: Members): Members {
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw this.refusal('has symbol properties, which cannot be stored');
    for (const key of Object.keys(value)) {
      this.sizeBytes += SLOT_BYTES + key.length;
      setMember(copy, key, this.within(key, (value as Members)[key]));
    }
    return copy;
  }

  private takeBuiltin(value: object): object {
    switch (tagOf(value)) {
      case 'Date':
      case 'RegExp':
      case 'URL':
        return copyObject(value);
      case 'Map':
        return new Map(
          Array.from(value as Map<unknown, unknown>, ([key, member], index) => [
            this.within(index, key),
            this.within(index, member),
          ]),
        );
      case 'Set':
        return new Set(Array.from(value as Set<unknown>, (member, index) => this.within(index, member)));
      case 'Bytes':
        this.sizeBytes += (value as Uint8Array).byteLength;
        return copyBytes(value as Uint8Array);
      default:
        throw this.refusal('is an instance of a class that is not registered');
    }
  }

  private within(step: string | number, member: unknown): unknown {
    this.path.push(step);
    const taken = this.take(member);
    this.path.pop();
    return taken;
  }

  private refusal(problem: string): UnserializableError {
    const where = this.path.map((step) => (typeof step === 'number' ? `[${step}]` : stepName(step))).join('');
    return new UnserializableError(`value${where.length > 200 ? `${where.slice(0, 200)}…` : where}`, problem);
  }
}
