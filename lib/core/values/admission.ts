import { copyObject, setMember, type Members } from './copy-object.js';
import type { NestedNames } from './nested-names.js';
import { CacheError, UnserializableError, ValueTooLargeError } from '../errors.js';
import { Packed, unpack } from './packed.js';
import {
  isOnlyItems,
  isPlainArray,
  isPlainObject,
  placeIn,
  showsNothing,
  tagOf,
  type ClassLookup,
  type KnownClass,
  type Step,
} from './plain.js';
import { ofAnOrm, unregistered, type Complaint } from './unregistered.js';

const MAX_DEPTH = 64;
/** Rough bytes of a plain object, of an array, of other containers (views of bytes have a buffer behind them). */
const OBJECT_BYTES = 24;
const ARRAY_BYTES = 48;
const CONTAINER_BYTES = 96;
const VIEW_BYTES = 240;
/** Of a property or item; of an entry in the table of a Map or Set; of a text or other value beside its characters. */
const SLOT_BYTES = 8;
const TABLED_BYTES = 36;
const TEXT_BYTES = 24;
const NUMBER_BYTES = 8;
/** Objects with more members, or with names that no program has, keep names and a table; others share how they look. */
const MANY_MEMBERS = 128;
const PROGRAMS_NAME = /^[A-Za-z_$][\w$]{0,63}$/;
const MEMBER_BYTES = 130;
const SAMPLE_LENGTH = 64;

/** One walk that checks, measures and copies a value of foreign code. Used once; nothing that throws leaves a trace. */
export class Admission {
  sizeBytes = 0;
  private readonly path: Step[] = [];

  constructor(
    private readonly classes: ClassLookup,
    private readonly limitBytes: number,
    /** The result is to be kept: instances whose registration says so are packed, and made anew for each reader. */
    private readonly isToBeKept: boolean,
    /** The names so far under which its plain objects have objects. */
    public nested: NestedNames,
  ) {}

  admit(value: unknown): unknown {
    try {
      return this.take(value);
    } catch (error) {
      if (error instanceof CacheError) throw error;
      // Code of the caller's: a getter, a proxy. Not passed on as a cause, because it may quote what it was reading.
      throw this.refusal('cannot be read: a getter or proxy throws');
    }
  }

  private take(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.grow(TEXT_BYTES + value.length);
        if (isWide(value)) this.grow(value.length);
        return value;
      case 'object':
        return value === null ? null : this.takeObject(value);
      case 'function':
      case 'symbol':
        throw this.refusal(`is a ${typeof value}, which cannot be stored`);
      case 'bigint':
        this.grow(NUMBER_BYTES + bigintBytes(value));
        return value;
      default:
        // A whole number, like a boolean, is in the place of the object that has it.
        if (typeof value === 'number' && !Object.is(Math.trunc(value), value)) this.grow(NUMBER_BYTES);
        return value;
    }
  }

  private takeObject(value: object): object {
    if (this.path.length >= MAX_DEPTH) throw this.refusal('is nested too deeply (or refers to itself)');
    if (Array.isArray(value)) return this.takeArray(value);
    this.grow(OBJECT_BYTES);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (isPlainObject(value))
      return prototype === null ? this.takeMembers(value, Object.create(null) as Members) : this.takePlain(value);
    const known = prototype === null ? undefined : this.classes.get(prototype);
    if (known === undefined) return this.takeBuiltin(value);
    return known.toJSON === undefined ? this.takeInstance(value, known) : this.takePacked(value, known, known.toJSON);
  }

  private takeArray(items: readonly unknown[]): unknown[] {
    // Counted before there is anything to look at: an array can be long and empty.
    this.grow(ARRAY_BYTES + items.length * SLOT_BYTES);
    const copy: unknown[] = [];
    copy.length = items.length;
    let present = 0;
    for (let index = 0; index < items.length; index++) {
      // Holes stay holes.
      if (!Object.hasOwn(items, index)) continue;
      present++;
      copy[index] = this.within(index, items[index]);
    }
    if (isPlainArray(items) && isOnlyItems(items, present)) return copy;
    throw this.refusal('is an array of a class of its own, or with properties beside its items');
  }

  /** Copied whole, then member by member: a copy with the layout of its original takes less room than one that grew. */
  private takePlain(value: object): Members {
    this.refuseSymbols(value);
    const copy: Members = { ...value };
    const keys = Object.keys(copy);
    for (const key of keys) {
      this.grow(memberBytes(key, keys.length));
      const member = this.within(key, copy[key]);
      if (typeof member === 'object' && member !== null) this.nested = this.nested.with(key);
      copy[key] = member;
    }
    return copy;
  }

  private takeMembers(value: object, copy: Members): Members {
    this.refuseSymbols(value);
    const keys = Object.keys(value);
    for (const key of keys) {
      this.grow(memberBytes(key, keys.length));
      setMember(copy, key, this.within(key, (value as Members)[key]));
    }
    return copy;
  }

  private refuseSymbols(value: object): void {
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw this.refusal('has symbol properties, which cannot be stored');
  }

  private takeInstance(value: object, known: KnownClass): Members {
    const orm = ofAnOrm(value);
    if (orm !== undefined) throw this.complaint(orm);
    const copy = this.takeMembers(value, Object.create(known.prototype) as Members);
    const { length } = Object.keys(copy);
    if (Object.getOwnPropertyNames(value).length !== length)
      throw this.refusal('has hidden properties, which cannot be stored');
    if (length === 0 && known.mayHide) throw this.refusal(showsNothing(known));
    return copy;
  }

  private takePacked(value: object, known: KnownClass, toJSON: (instance: object) => unknown): object {
    let said: unknown;
    try {
      said = toJSON(value);
    } catch {
      throw this.refusal(`cannot be stored: the toJSON of ${known.name} in codec.types throws`);
    }
    // Most likely a forgotten `return`.
    if (said === undefined) throw this.refusal(`cannot be stored: the toJSON of ${known.name} gives undefined`);
    const json = this.within('toJSON', said);
    // Tried here, where a failure costs a fill: at a read it would cost an answer.
    const instance = this.unpacked(known, json);
    return this.isToBeKept ? new Packed(known, json) : instance;
  }

  private unpacked(known: KnownClass, json: unknown): object {
    try {
      const copy = typeof json === 'object' && json !== null ? copyObject(json) : json;
      return unpack(known, copy);
    } catch {
      throw this.refusal(
        `cannot be stored: the fromJSON of ${known.name} in codec.types fails on what its toJSON gave`,
      );
    }
  }

  private takeBuiltin(value: object): object {
    this.grow(CONTAINER_BYTES);
    switch (tagOf(value)) {
      case 'Date':
        return copyObject(value);
      case 'RegExp':
        this.grow((value as RegExp).source.length);
        return copyObject(value);
      case 'URL':
        this.grow((value as URL).href.length);
        return copyObject(value);
      case 'Map':
        this.grow((value as Map<unknown, unknown>).size * TABLED_BYTES);
        return new Map(
          Array.from(value as Map<unknown, unknown>, ([key, member], index) => [
            this.within(index, key),
            this.within(index, member),
          ]),
        );
      case 'Set':
        this.grow((value as Set<unknown>).size * TABLED_BYTES);
        return new Set(Array.from(value as Set<unknown>, (member, index) => this.within(index, member)));
      case 'Bytes':
        this.grow(VIEW_BYTES + (value as Uint8Array).byteLength);
        return Buffer.isBuffer(value) ? ownBuffer(value) : copyObject(value);
      default:
        throw this.complaint(unregistered(value));
    }
  }

  private within(step: Step, member: unknown): unknown {
    this.path.push(step);
    const taken = this.take(member);
    this.path.pop();
    return taken;
  }

  private grow(byBytes: number): void {
    this.sizeBytes += byBytes;
    if (this.sizeBytes > this.limitBytes) throw new ValueTooLargeError(Math.ceil(this.sizeBytes), this.limitBytes);
  }

  private complaint({ problem, remedy }: Complaint): UnserializableError {
    return this.refusal(problem, remedy);
  }

  private refusal(problem: string, remedy?: string): UnserializableError {
    return new UnserializableError(placeIn('value', this.path), problem, remedy);
  }
}

/** What a property of an object with so many of them costs beside its value. */
export function memberBytes(name: string, members: number): number {
  const isShared = members <= MANY_MEMBERS && PROGRAMS_NAME.test(name);
  return isShared ? SLOT_BYTES : MEMBER_BYTES + name.length;
}

/** Outside of Node's shared pool: ten bytes kept for an hour would keep the eight thousand around them. */
function ownBuffer(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  bytes.copy(copy);
  return copy;
}

/** Whether a text takes two bytes for a character. Told from its beginning; a long text need not be read for it. */
function isWide(text: string): boolean {
  const length = Math.min(text.length, SAMPLE_LENGTH);
  // Beyond Latin-1.
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > 0xff) return true;
  return false;
}

/** Almost all fit into one word; only for the others is it worth writing them out. */
function bigintBytes(value: bigint): number {
  return BigInt.asIntN(64, value) === value ? 0 : value.toString(16).length / 2;
}
