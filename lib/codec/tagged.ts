/**
 * JSON for values that JSON alone would change. What JSON keeps stays as it is; everything else becomes an object with
 * one property whose name begins with `~`:
 *
 *   {"~u":0} undefined      {"~h":0} a hole           {"~n":"-0"} -0, NaN, Infinity, -Infinity
 *   {"~b":"42"} bigint      {"~D":ms|null} Date       {"~U":href} URL            {"~R":[source,flags]} RegExp
 *   {"~M":[k,v,k,v]} Map    {"~S":[…]} Set            {"~B":[kind,base64]} bytes
 *   {"~O":{…}} an object without prototype            {"~C":[name,{…}]} an instance of a registered class
 *   {"~J":[name, json]} an instance of a registered class, as its registration writes it
 *   {"~":{…}} an object that merely looks like one of these
 *
 * Reading builds what the list above names and nothing else: no code of a class is run but the `fromJSON` of one that is
 * registered with it, no name from the data is looked up anywhere but in that list and among the registered classes, and
 * no property is assigned in a way that could run a setter or change a prototype.
 */
import { setMember, type Members } from '../core/values/copy-object.js';
import { Packed, unpack } from '../core/values/packed.js';
import { bytesKindOf, tagOf, type Classes, type KnownClass } from '../core/values/plain.js';
import { bytesOf, viewOf } from './bytes.js';

/** As deep as values may be, tags not counted. Only a forger writes more. */
const MAX_DEPTH = 64;
const MARK = '~';
/** What a hole is read as, on its way to the array it is one of. */
const HOLE = Symbol('hole');
const ODD_NUMBERS: Readonly<Record<string, number>> = Object.freeze({
  '-0': -0,
  NaN: NaN,
  Infinity: Infinity,
  '-Infinity': -Infinity,
});

/** A class that this process has not registered, or in another way: the value is sound, but cannot be built here. */
export class UnknownClassError extends Error {}

/** Puts tags into a value, in place. Used once. */
export class Tagger {
  /** Something was tagged; otherwise the value is plain JSON, untouched. */
  hasTagged = false;

  constructor(private readonly classes: Classes) {}

  /** @param value admitted, and owned by this call: it is changed in place */
  tag(value: unknown): unknown {
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : this.mark('n', oddName(value));
      case 'undefined':
        return this.mark('u', 0);
      case 'bigint':
        return this.mark('b', value.toString());
      case 'object':
        return value === null ? null : this.tagObject(value);
      default:
        return value;
    }
  }

  private tagObject(value: object): unknown {
    if (Array.isArray(value)) return this.tagItems(value);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === Object.prototype) return this.tagPlain(value as Members);
    if (prototype === null) return this.mark('O', this.tagMembers({ ...value }));
    if (value instanceof Packed) return this.mark('J', [value.known.name, this.tag(value.json)]);
    const known = this.classes.get(prototype);
    return known === undefined ? this.tagBuiltin(value) : this.mark('C', [known.name, this.tagMembers({ ...value })]);
  }

  private tagItems(items: unknown[]): unknown[] {
    for (let index = 0; index < items.length; index++) {
      const item = items[index];
      const isHole = item === undefined && !Object.hasOwn(items, index);
      const tagged = isHole ? this.mark('h', 0) : this.tag(item);
      if (tagged !== item) items[index] = tagged;
    }
    return items;
  }

  private tagPlain(value: Members): Members {
    this.tagMembers(value);
    return tagIn(value) === undefined ? value : this.mark('', value);
  }

  /** All members are own properties already, `__proto__` too, so that assigning to them runs no setter. */
  private tagMembers(value: Members): Members {
    for (const key of Object.keys(value)) {
      const member = value[key];
      const tagged = this.tag(member);
      if (tagged !== member) value[key] = tagged;
    }
    return value;
  }

  private tagBuiltin(value: object): Members {
    switch (tagOf(value)) {
      case 'Date':
        // JSON writes an invalid date's NaN as null.
        return this.mark('D', (value as Date).getTime());
      case 'URL':
        return this.mark('U', (value as URL).href);
      case 'RegExp':
        return this.mark('R', [(value as RegExp).source, (value as RegExp).flags]);
      case 'Map':
        return this.mark('M', this.tagItems([...(value as Map<unknown, unknown>)].flat(1)));
      case 'Set':
        return this.mark('S', this.tagItems([...(value as Set<unknown>)]));
      case 'Bytes':
        return this.mark('B', [
          bytesKindOf(value as ArrayBufferView),
          bytesOf(value as ArrayBufferView).toString('base64'),
        ]);
      default:
        throw new TypeError('A value reached the codec that was never admitted.');
    }
  }

  private mark(tag: string, content: unknown): Members {
    this.hasTagged = true;
    return { [MARK + tag]: content };
  }
}

/** Builds what the tags in a freshly parsed value stand for, in place. */
export class Untagger {
  constructor(private readonly classes: ReadonlyMap<string, KnownClass>) {}

  /** @throws whatever cannot be built; UnknownClassError when only the class is missing */
  read(node: unknown): unknown {
    const value = this.untag(node, 0);
    if (value === HOLE) throw new TypeError('a hole outside of an array');
    return value;
  }

  private untag(node: unknown, depth: number): unknown {
    if (typeof node !== 'object' || node === null) return node;
    if (depth > MAX_DEPTH) throw new RangeError('too deep');
    if (Array.isArray(node)) return this.untagItems(node, depth);
    const tag = tagIn(node);
    return tag === undefined
      ? this.untagMembers(node as Members, depth)
      : this.build(tag, (node as Members)[tag], depth);
  }

  private untagItems(items: unknown[], depth: number): unknown[] {
    for (let index = 0; index < items.length; index++) {
      const item = items[index];
      if (typeof item !== 'object' || item === null) continue;
      const untagged = this.untag(item, depth + 1);
      if (untagged === HOLE) Reflect.deleteProperty(items, index);
      else if (untagged !== item) items[index] = untagged;
    }
    return items;
  }

  private untagMembers(members: Members, depth: number): Members {
    for (const key of Object.keys(members)) {
      const member = members[key];
      if (typeof member !== 'object' || member === null) continue;
      const untagged = this.untag(member, depth + 1);
      if (untagged === HOLE) throw new TypeError('a hole outside of an array');
      // An own property, so that assigning to it runs no setter, not even to `__proto__`.
      if (untagged !== member) members[key] = untagged;
    }
    return members;
  }

  private build(tag: string, content: unknown, depth: number): unknown {
    switch (tag) {
      case '~D':
        return new Date(content === null ? NaN : numberOf(content));
      case '~u':
        return undefined;
      case '~h':
        return HOLE;
      case '~n':
        return oddNumber(textOf(content));
      case '~b':
        return bigintOf(textOf(content));
      case '~U':
        return new URL(textOf(content));
      case '~R':
        return new RegExp(textOf(listOf(content)[0]), textOf(listOf(content)[1]));
      case '~M':
        return new Map(pairsOf(this.untagItems(listOf(content), depth)));
      case '~S':
        return new Set(this.untagItems(listOf(content), depth));
      case '~B':
        return viewOf(textOf(listOf(content)[0]), Buffer.from(textOf(listOf(content)[1]), 'base64'));
      case '~O':
        return putInto(Object.create(null) as Members, this.untagMembers(membersOf(content), depth));
      case '~C':
        return this.instance(listOf(content), depth);
      case '~J':
        return this.unpacked(listOf(content), depth);
      case '~':
        return this.untagMembers(membersOf(content), depth);
      default:
        throw new TypeError('no such tag');
    }
  }

  private instance([name, members]: readonly unknown[], depth: number): Members {
    const known = this.classes.get(textOf(name));
    if (known === undefined || known.fromJSON !== undefined) throw new UnknownClassError();
    return putInto(Object.create(known.prototype) as Members, this.untagMembers(membersOf(members), depth));
  }

  private unpacked([name, tagged]: readonly unknown[], depth: number): object {
    const known = this.classes.get(textOf(name));
    if (known?.fromJSON === undefined) throw new UnknownClassError();
    const json = this.untag(tagged, depth + 1);
    if (json === HOLE) throw new TypeError('a hole outside of an array');
    return unpack(known, json);
  }
}

/** The name of an object's only property, if it begins like a tag. */
function tagIn(value: object): string | undefined {
  let tag: string | undefined;
  // Own properties come first. What follows was added to Object.prototype by other code, and is no member.
  for (const key in value) {
    if (tag !== undefined) return Object.hasOwn(value, key) ? undefined : tag;
    if (!key.startsWith(MARK) || !Object.hasOwn(value, key)) return undefined;
    tag = key;
  }
  return tag;
}

function oddName(value: number): string {
  return Object.is(value, -0) ? '-0' : `${value}`;
}

function oddNumber(name: string): number {
  const value = Object.hasOwn(ODD_NUMBERS, name) ? ODD_NUMBERS[name] : undefined;
  if (value === undefined) throw new TypeError('no such number');
  return value;
}

function bigintOf(digits: string): bigint {
  if (!/^-?\d+$/.test(digits)) throw new TypeError('no bigint');
  return BigInt(digits);
}

function putInto(target: Members, members: Members): Members {
  for (const key of Object.keys(members)) setMember(target, key, members[key]);
  return target;
}

function pairsOf(items: readonly unknown[]): [unknown, unknown][] {
  if (items.length % 2 !== 0) throw new TypeError('a key without a value');
  const pairs: [unknown, unknown][] = [];
  for (let at = 0; at < items.length; at += 2) pairs.push([items[at], items[at + 1]]);
  return pairs;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  throw new TypeError('no text');
}

function numberOf(content: unknown): number {
  if (typeof content === 'number') return content;
  throw new TypeError('no number');
}

function listOf(content: unknown): unknown[] {
  if (Array.isArray(content)) return content;
  throw new TypeError('no list');
}

function membersOf(content: unknown): Members {
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Members;
  throw new TypeError('no members');
}
