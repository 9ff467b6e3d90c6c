/**
 * Turns arguments into text such that two lists of arguments give the same text exactly when they are the same:
 * same types, same contents, object keys in any order. Everything a key is made of goes through here, so a collision
 * in this file would be a leak between callers. It keeps invariant 1 (injective keys).
 *
 * The grammar, prefix-free because no delimiter survives escaping:
 *
 *   text     'cat%20food            number  42  -0  NaN  Inf  -Inf       bigint  42n
 *   boolean  true  false            nothing null  undef  hole            date    D1700000000000  DNaN
 *   array    [a;b]                  object  {key:a;key:b}  keys sorted   class   C'Name{key:a}
 *   map      M(k=v;k=v)  sorted     set     S(a;b)  sorted               url     U'href
 *   regexp   R'source'flags         bytes   B'Kind'base64url
 */
import { KeyInvalidError } from './errors.js';
import { isPlainObject, stepName, tagOf } from './plain.js';

export type Constructor = abstract new (...args: never[]) => object;

const MAX_DEPTH = 8;
/** In characters of encoded text. Longer arguments deserve a key of their own. */
const MAX_LENGTH = 65_536;
const CLEAR_TEXT = /^[\w.:@-]*$/;

/** Encodes one value. `where` names it in errors; `types` are the classes that may be part of keys. */
export function encodeValue(value: unknown, where: string, types: readonly Constructor[] = []): string {
  switch (typeof value) {
    case 'number':
      return encodeNumber(value);
    case 'string':
      return `'${escapeText(value, where)}`;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return 'undef';
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : new Encoder(where, types).encode(value);
    default:
      throw new KeyInvalidError(where, `is a ${typeof value}, which cannot be part of a key`);
  }
}

/** Percent-encodes everything but letters, digits and `_ - . : @`, so that a key stays readable and one line long. */
export function escapeText(text: string, where: string): string {
  if (CLEAR_TEXT.test(text)) return text;
  if (!text.isWellFormed()) throw new KeyInvalidError(where, 'is not well-formed text (it contains a lone surrogate)');
  return encodeURIComponent(text)
    .replace(/[!'()*~]/g, percent)
    .replaceAll('%3A', ':');
}

/** Undoes {@link escapeText}. */
export function unescapeText(text: string): string {
  return text.includes('%') ? decodeURIComponent(text) : text;
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

function encodeNumber(value: number): string {
  if (Number.isFinite(value)) return value === 0 && Object.is(value, -0) ? '-0' : `${value}`;
  return value > 0 ? 'Inf' : value < 0 ? '-Inf' : 'NaN';
}

/** The recursive part: knows where it is, how deep and how long the text has become. */
class Encoder {
  private readonly path: string[] = [];
  private length = 0;

  constructor(
    private readonly root: string,
    private readonly types: readonly Constructor[],
  ) {}

  encode(value: unknown): string {
    const text =
      typeof value === 'object' && value !== null ? this.encodeObject(value) : encodeValue(value, this.where());
    this.length += text.length;
    // Containers are counted again with their members, so this is a bound on the work too.
    if (this.length > MAX_LENGTH * MAX_DEPTH || text.length > MAX_LENGTH)
      throw new KeyInvalidError(this.root, 'is too large to be part of a key');
    return text;
  }

  private encodeObject(value: object): string {
    if (this.path.length >= MAX_DEPTH)
      throw new KeyInvalidError(this.where(), 'is nested too deeply (or refers to itself)');
    if (Array.isArray(value)) return `[${this.encodeArray(value)}]`;
    if (isPlainObject(value)) return `{${this.encodeMembers(value)}}`;
    const type = this.types.find((candidate) => Object.getPrototypeOf(value) === candidate.prototype);
    if (type !== undefined) return `C'${escapeText(type.name, this.where())}{${this.encodeMembers(value)}}`;
    return this.encodeBuiltin(value);
  }

  private encodeBuiltin(value: object): string {
    switch (tagOf(value)) {
      case 'Date':
        return `D${(value as Date).getTime()}`;
      case 'Map': {
        const pairs = Array.from(value as Map<unknown, unknown>, ([key, member], index) =>
          this.within(`entry ${index}`, () => `${this.encode(key)}=${this.encode(member)}`),
        );
        return `M(${pairs.sort().join(';')})`;
      }
      case 'Set':
        return `S(${Array.from(value as Set<unknown>, (member, index) =>
          this.within(`member ${index}`, () => this.encode(member)),
        )
          .sort()
          .join(';')})`;
      case 'RegExp':
        return `R'${escapeText((value as RegExp).source, this.where())}'${(value as RegExp).flags}`;
      case 'URL':
        return `U'${escapeText((value as URL).href, this.where())}`;
      case 'Bytes': {
        const view = value as ArrayBufferView;
        return `B'${value.constructor.name}'${Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64url')}`;
      }
      default:
        throw new KeyInvalidError(this.where(), 'is an instance of a class that is not registered');
    }
  }

  private encodeArray(items: readonly unknown[]): string {
    const texts: string[] = [];
    for (let index = 0; index < items.length; index++) {
      texts.push(index in items ? this.within(`[${index}]`, () => this.encode(items[index])) : 'hole');
    }
    return texts.join(';');
  }

  private encodeMembers(value: object): string {
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw new KeyInvalidError(this.where(), 'has symbol properties, which cannot be part of a key');
    const members: string[] = [];
    for (const key of Object.keys(value).sort()) {
      members.push(
        `${escapeText(key, this.where())}:${this.within(stepName(key), () => this.encode((value as Record<string, unknown>)[key]))}`,
      );
    }
    return members.join(';');
  }

  private within(step: string, work: () => string): string {
    this.path.push(step);
    const text = work();
    this.path.pop();
    return text;
  }

  private where(): string {
    return this.root + this.path.join('');
  }
}
