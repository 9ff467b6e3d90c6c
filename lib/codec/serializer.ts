/**
 * Values to bodies and back. Formats on the wire, by number:
 *
 *   0 JSON     what JSON keeps as it is: opened with one JSON.parse and nothing else
 *   1 tagged   JSON with tags for the rest: see tagged.ts
 *   2 bytes    a Buffer or typed array as the whole value: one byte for its kind (see bytes.ts), then its bytes
 *   3 custom   whatever the serializer named in the header makes of it
 *
 * What may be stored at all is decided in one place for all backends, by the Copier. Only what is sure to pass there,
 * and to need no tags, is written without it.
 */
import type { Copier } from '../core/values/copier.js';
import { UnserializableError, ValueTooLargeError } from '../core/errors.js';
import { tagOf, type Classes } from '../core/values/plain.js';
import { disown } from '../core/async/thenable.js';
import { bytesOf, kindNumberOf, viewOf } from './bytes.js';
import { isPlainJson } from './plain-json.js';
import { Tagger, Untagger } from './tagged.js';

const FORMAT = Object.freeze({ json: 0, tagged: 1, bytes: 2, custom: 3 });

/**
 * Writes values in a format of your own. Called synchronously, with the caller's value and with exactly the bytes it
 * once gave; neither may answer by a promise. What `serialize` throws means that the value is not stored; what
 * `deserialize` throws is a miss, and the entry stays: another release may read it.
 *
 * It decides what can be stored where entries leave the process. What memory keeps (`memory()`, the L1 of `tiered()`)
 * goes by the rules of the library.
 *
 * @example
 * import { deserialize, serialize } from 'node:v8';
 * const v8: Serializer = { name: 'v8', serialize: (value) => serialize(value), deserialize: (bytes) =>
 * deserialize(bytes) };
 */
export interface Serializer {
  /** Stands in every entry, so that two formats are never taken for each other: 1 to 32 of `A-Z a-z 0-9 _ . -`. */
  readonly name: string;
  serialize(value: unknown): Uint8Array | string;
  deserialize(bytes: Buffer): unknown;
}

/** A serializer gave a promise in place of a value. */
export class LateValueError extends Error {}

/** A value as it goes into an envelope. */
export interface Body {
  readonly format: number;
  /** Text stays text as long as it can: written straight into the envelope it is encoded once. */
  readonly content: string | Uint8Array;
  readonly byteLength: number;
  readonly isAscii: boolean;
  /** Name of the custom serializer, or ''. */
  readonly serializer: string;
}

export interface BodySerializerParts {
  readonly copier: Copier;
  readonly classes: Classes;
  readonly custom: Serializer | undefined;
  /** Of the value as memory would measure it. */
  readonly maxValueBytes: number;
  /** Of the serialized value. */
  readonly maxBodyBytes: number;
}

export class BodySerializer {
  private readonly untagger: Untagger;

  constructor(private readonly parts: BodySerializerParts) {
    this.untagger = new Untagger(new Map([...parts.classes.values()].map((known) => [known.name, known])));
  }

  /** @throws UnserializableError, ValueTooLargeError */
  serialize(value: unknown): Body {
    const { custom, maxValueBytes, maxBodyBytes } = this.parts;
    // What the Copier has measured may take more room as text, and then be opened by others all the same.
    const [body, limit] =
      custom === undefined ? [this.own(value), maxBodyBytes] : [customBody(custom, value), maxValueBytes];
    if (body.byteLength > limit) throw new ValueTooLargeError(body.byteLength, limit);
    return body;
  }

  /** False when a body was written by a serializer that is not this cache's. */
  knows(format: number, serializer: string): boolean {
    return format !== FORMAT.custom || serializer === this.parts.custom?.name;
  }

  /** True for a body that only a serializer of the application can judge. */
  isCustom(format: number): boolean {
    return format === FORMAT.custom;
  }

  /**
   * The value whose body stands between two offsets.
   * @throws whatever is wrong with the bytes; UnknownClassError when only a class is missing
   */
  deserialize(format: number, isAscii: boolean, bytes: Buffer, start: number, end: number): unknown {
    switch (format) {
      case FORMAT.json:
        return JSON.parse(bytes.toString(isAscii ? 'latin1' : 'utf8', start, end));
      case FORMAT.tagged:
        return this.untagger.read(JSON.parse(bytes.toString(isAscii ? 'latin1' : 'utf8', start, end)));
      case FORMAT.bytes:
        return viewOf(bytes[start] ?? -1, bytes.subarray(start + 1, end));
      case FORMAT.custom:
        // Its own copy: a serializer may keep slices of what it is given.
        return this.custom(Buffer.from(bytes.subarray(start, end)));
      default:
        throw new TypeError('no such format');
    }
  }

  private custom(bytes: Buffer): unknown {
    const value = this.parts.custom?.deserialize(bytes);
    if (disown(value)) throw new LateValueError();
    return value;
  }

  private own(value: unknown): Body {
    const { copier, classes, maxValueBytes } = this.parts;
    if (isPlainJson(value, maxValueBytes)) return textBody(FORMAT.json, value);
    if (ArrayBuffer.isView(value) && tagOf(value) === 'Bytes') return this.bytesBody(value);
    const tagger = new Tagger(classes);
    const tagged = tagger.tag(copier.admit(value, 'clone', maxValueBytes).value);
    return textBody(tagger.hasTagged ? FORMAT.tagged : FORMAT.json, tagged);
  }

  private bytesBody(value: ArrayBufferView): Body {
    const byteLength = value.byteLength + 1;
    if (byteLength > this.parts.maxValueBytes) throw new ValueTooLargeError(byteLength, this.parts.maxValueBytes);
    const content = Buffer.allocUnsafe(byteLength);
    content[0] = kindNumberOf(value);
    bytesOf(value).copy(content, 1);
    return { format: FORMAT.bytes, content, byteLength, isAscii: false, serializer: '' };
  }
}

/**
 * A body as bytes that stay as they are, where it cannot be written right into its place: a serializer may write the next
 * value, perhaps of another tenant, where it wrote this one, before the thread pool has read it.
 */
export function contentBytes({ content, format, isAscii }: Body): Buffer {
  if (typeof content === 'string') return Buffer.from(content, isAscii ? 'latin1' : 'utf8');
  const bytes = bytesOf(content);
  return format === FORMAT.custom ? Buffer.from(bytes) : bytes;
}

function textBody(format: number, value: unknown): Body {
  const content = JSON.stringify(value);
  const byteLength = Buffer.byteLength(content);
  return { format, content, byteLength, isAscii: byteLength === content.length, serializer: '' };
}

function customBody(custom: Serializer, value: unknown): Body {
  const { name } = custom;
  const content = callCustom(custom, value);
  const byteLength = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  return { format: FORMAT.custom, content, byteLength, isAscii: false, serializer: name };
}

function callCustom(custom: Serializer, value: unknown): string | Uint8Array {
  let content: unknown;
  try {
    content = custom.serialize(value);
  } catch {
    // Not passed on as a cause: it may quote what it was writing.
    throw new UnserializableError('value', `was refused by the serializer "${custom.name}"`);
  }
  if (typeof content === 'string' || (ArrayBuffer.isView(content) && !(content instanceof DataView))) {
    return content as string | Uint8Array;
  }
  if (disown(content))
    throw new UnserializableError(
      'value',
      `was turned into a promise by the serializer "${custom.name}", which has to answer at once`,
    );
  throw new UnserializableError('value', `was turned into neither text nor bytes by the serializer "${custom.name}"`);
}
