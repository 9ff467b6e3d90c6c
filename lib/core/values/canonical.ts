/**
 * Turns arguments into text such that two lists of arguments give the same text exactly when they are the same:
 * same types, same contents, object keys in any order. Everything a key is made of goes through here, so a collision
 * in this file would be a leak between callers. It keeps invariant 1 (injective keys).
 *
 * The grammar. Text never contains any of the delimiters `' , ; = [ ] { } ( )`, so every encoding can be read in one way:
 *
 *   text     'cat%20food            number  42  -0  NaN  Inf  -Inf       bigint  42n
 *   boolean  true  false            nothing null  undef  hole            date    D1700000000000  DNaN
 *   array    [a;b]                  object  {key=a;key=b}  keys sorted   class   C'Name{key=a}
 *            C'Name(toKey)                   of a declared type  C''Name{a=b}  C''{a=b}: see data-classes
 *   map      M(k=v;k=v)  sorted     set     S(a;b)  sorted               url     U'href
 *   regexp   R'source'flags         bytes   B'Kind'base64url         method  m'findAll
 *
 * Not part of a key: the order of object keys, Map entries and Set members, properties that are not enumerable, the
 * `lastIndex` of a RegExp, and properties of objects that are undefined: `{ page }` without a page is `{}` to whatever
 * reads it, and frameworks differ in which of the two they hand on. In arrays, Maps and Sets undefined counts, as there it
 * changes a length. Whatever else an object holds beside the above is refused rather than left out.
 */
import { KeyInvalidError } from '../errors.js';
import { isClear, MALFORMED, percentEncode } from './escape.js';
import {
  bytesKindOf,
  isOnlyItems,
  isPlainArray,
  isPlainObject,
  notRegistered,
  placeIn,
  showsNothing,
  tagOf,
  type ClassLookup,
  type KnownClass,
  type Step,
} from './plain.js';
import { encodeNumber, encodePrimitive } from './primitives.js';
import type { SeenShape } from './seen-shape.js';
import { Shapes, type Shape } from './shapes.js';
import { ofAnOrm } from './unregistered.js';

type Primitive = number | boolean | bigint | undefined;

export type Constructor = abstract new (...args: never[]) => object;

/**
 * The name of a method in front of its arguments, where several methods share a namespace. A kind of its own: no key that
 * a caller can say is equal to it.
 */
export class MethodName {
  constructor(readonly name: string) {}
}

/** Names the parts of a key in errors: a word for all, or what says it of each by its place. */
export type Where = string | ((index: number | undefined) => string);

const MAX_DEPTH = 8;
/** In characters, before escaping. Longer arguments deserve a key of their own. */
const MAX_LENGTH = 65_536;

/** Encodes values. `classes` are those whose instances may be part of keys. */
export class Canonical {
  private readonly shapes = new Shapes();

  constructor(private readonly classes: ClassLookup) {}

  /**
   * The text of one value. `where` and `index` name it in errors. `seen` is of the place in a key where it stands.
   * @throws KeyInvalidError
   */
  encode(value: unknown, where: Where = 'value', index?: number, seen?: SeenShape): string {
    switch (typeof value) {
      case 'string':
        if (value.length > MAX_LENGTH) throw tooLarge(rootOf(where, index));
        if (isClear(value)) return `'${value}`;
        if (!value.isWellFormed()) throw new KeyInvalidError(rootOf(where, index), MALFORMED);
        return `'${percentEncode(value)}`;
      case 'object':
        if (value === null) return 'null';
        return seen?.textOf(value) ?? new Encoder(this.classes, this.shapes, where, index, seen).encode(value);
      case 'function':
      case 'symbol':
        throw new KeyInvalidError(rootOf(where, index), `is a ${typeof value}, which cannot be part of a key`);
      case 'number':
        return encodeNumber(value);
      default:
        return encodePrimitive(value as Primitive);
    }
  }
}

/** The name of a part of a key in errors, or of all of them. */
export function rootOf(where: Where, index?: number): string {
  if (typeof where === 'function') return where(index);
  return index === undefined ? where : `${where} ${index}`;
}

function tooLarge(where: string): KeyInvalidError {
  return new KeyInvalidError(where, 'is too large to be part of a key');
}

/** The recursive part: knows where it is, how deep and how long the text has become. */
class Encoder {
  private readonly path: Step[] = [];
  private length = 0;

  constructor(
    private readonly classes: ClassLookup,
    private readonly shapes: Shapes,
    private readonly root: Where,
    private readonly index: number | undefined,
    private readonly seen: SeenShape | undefined,
  ) {}

  encode(value: object): string {
    try {
      return value instanceof MethodName ? `m'${this.text(value.name)}` : this.object(value);
    } catch (error) {
      if (error instanceof KeyInvalidError) throw error;
      // Code of the caller's: a getter, a proxy. Not passed on as a cause, because it may quote what it was reading.
      throw this.refusal('cannot be read: a getter or proxy throws');
    }
  }

  private value(value: unknown): string {
    if (typeof value === 'object' && value !== null) return this.object(value);
    if (typeof value === 'string') return `'${this.text(value)}`;
    if (typeof value === 'function' || typeof value === 'symbol') {
      throw this.refusal(`is a ${typeof value}, which cannot be part of a key`);
    }
    const text = value === null ? 'null' : encodePrimitive(value as Primitive);
    this.grow(text.length);
    return text;
  }

  private object(value: object): string {
    if (this.path.length >= MAX_DEPTH) throw this.refusal('is nested too deeply (or refers to itself)');
    if (Array.isArray(value)) return `[${this.items(value)}]`;
    if (isPlainObject(value)) return `{${this.members(value)}}`;
    const known = (this.seen?.classes ?? this.classes).get(Object.getPrototypeOf(value) as object);
    return known === undefined ? this.builtin(value) : this.instance(value, known);
  }

  private builtin(value: object): string {
    switch (tagOf(value)) {
      case 'Date':
        this.grow(14);
        return `D${(value as Date).getTime()}`;
      case 'Map':
        return `M(${this.entries(value as Map<unknown, unknown>)})`;
      case 'Set':
        return `S(${this.collection(value as Set<unknown>)})`;
      case 'RegExp':
        return `R'${this.text((value as RegExp).source)}'${(value as RegExp).flags}`;
      case 'URL':
        return `U'${this.text((value as URL).href)}`;
      case 'Bytes':
        return this.bytes(value as ArrayBufferView);
      default:
        throw this.refusal(this.seen?.classes?.problemOf(value) ?? notRegistered(value));
    }
  }

  private items(items: readonly unknown[]): string {
    // Holes are written out: they count before there is anything to look at.
    this.grow(items.length);
    const texts: string[] = [];
    let present = 0;
    for (let index = 0; index < items.length; index++) {
      const isHole = !Object.hasOwn(items, index);
      if (!isHole) present++;
      texts.push(isHole ? 'hole' : this.within(index, items[index]));
    }
    if (!isPlainArray(items) || !isOnlyItems(items, present)) {
      throw this.refusal('is an array of a class of its own, or with properties beside its items');
    }
    return texts.join(';');
  }

  private members(value: object): string {
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw this.refusal('has symbol properties, which cannot be part of a key');
    const names = Object.keys(value);
    const shape = this.shapes.find(names) ?? this.shape(names);
    if (this.path.length === 0) this.seen?.learn(shape);
    const { sorted, leads } = shape;
    this.grow(shape.length);
    let texts = '';
    for (let at = 0; at < sorted.length; at++) {
      const name = sorted[at] as string;
      const member = (value as Record<string, unknown>)[name];
      if (member === undefined) continue;
      texts += leads[at] as string;
      texts += this.member(name, member);
    }
    // Each lead but the first begins with a separator, and the first may have been left out.
    return texts.startsWith(';') ? texts.slice(1) : texts;
  }

  /** Names count before they are put in order. */
  private shape(names: readonly string[]): Shape {
    this.grow(names.length);
    return this.shapes.learn(names, (name) => this.escaped(name));
  }

  /** Numbers and clear texts need no place in the path: nothing can be wrong with them. */
  private member(name: string, value: unknown): string {
    if (typeof value === 'number') {
      this.grow(8);
      return encodeNumber(value);
    }
    if (typeof value !== 'string' || !isClear(value)) return this.within(name, value);
    this.grow(value.length);
    return `'${value}`;
  }

  private instance(value: object, known: KnownClass): string {
    const { keyLead } = known;
    this.grow(keyLead.length);
    if (known.toKey !== undefined) return `${keyLead}(${this.within('toKey', this.keyOf(value, known))})`;
    // What runs later gets copies of the arguments, and of this there is none.
    const orm = ofAnOrm(value);
    if (orm !== undefined) throw this.refusal(orm.problem);
    const text = this.members(value);
    const { length } = Object.keys(value);
    if (Object.getOwnPropertyNames(value).length !== length)
      throw this.refusal('has hidden properties, which cannot be part of a key');
    if (length === 0 && known.mayHide) throw this.refusal(showsNothing(known));
    return `${keyLead}{${text}}`;
  }

  /** Nothing in place of something, a forgotten `return`, would be one key for all. */
  private keyOf(value: object, known: KnownClass): unknown {
    let said: unknown;
    try {
      said = known.toKey?.(value);
    } catch {
      throw this.refusal(`cannot be read: the toKey (or toJSON) of ${known.name} in codec.types throws`);
    }
    if (said !== undefined) return said;
    throw this.refusal(`cannot be read: the toKey (or toJSON) of ${known.name} in codec.types gives undefined`);
  }

  private entries(map: ReadonlyMap<unknown, unknown>): string {
    this.grow(2 * map.size);
    const texts: string[] = [];
    for (const [key, member] of map)
      texts.push(`${this.within(texts.length, key)}=${this.within(texts.length, member)}`);
    return texts.sort().join(';');
  }

  private collection(set: ReadonlySet<unknown>): string {
    this.grow(set.size);
    const texts: string[] = [];
    for (const member of set) texts.push(this.within(texts.length, member));
    return texts.sort().join(';');
  }

  private bytes(view: ArrayBufferView): string {
    this.grow(Math.ceil((view.byteLength * 4) / 3));
    return `B'${bytesKindOf(view)}'${Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64url')}`;
  }

  private text(text: string): string {
    this.grow(text.length);
    return this.escaped(text);
  }

  private escaped(text: string): string {
    if (isClear(text)) return text;
    if (!text.isWellFormed()) throw this.refusal(MALFORMED);
    return percentEncode(text);
  }

  private within(step: Step, value: unknown): string {
    this.path.push(step);
    const text = this.value(value);
    this.path.pop();
    return text;
  }

  /** Bounds the work as well as the text: something that contains the same thing many times over counts it every time. */
  private grow(by: number): void {
    this.length += by;
    if (this.length > MAX_LENGTH) throw tooLarge(rootOf(this.root, this.index));
  }

  private refusal(problem: string): KeyInvalidError {
    return new KeyInvalidError(placeIn(rootOf(this.root, this.index), this.path), problem);
  }
}
