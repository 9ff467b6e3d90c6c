/** The kinds of bytes that values may hold, by what they are made of. Little-endian, as every machine Node runs on (s390x apart). */
import { bytesKindOf } from '../core/values/plain.js';

interface View {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): ArrayBufferView;
}

/** In the order of their numbers on the wire: only ever append. */
const KINDS: readonly string[] = Object.freeze([
  'Buffer',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  // Node 24 and later. Elsewhere it can neither be made nor be read.
  'Float16Array',
]);

/** The number of a kind of bytes on the wire. */
export function kindNumberOf(view: ArrayBufferView): number {
  return KINDS.indexOf(bytesKindOf(view) ?? '');
}

/** What a view shows, as bytes. Shares its memory. */
export function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * A view of its own over a copy of the bytes: a slice would keep the whole answer of a server alive, and let all
 * callers that open the same answer write into it.
 * @throws when there is no such kind, or the bytes are no whole number of its elements
 */
export function viewOf(kind: string | number, bytes: Uint8Array): ArrayBufferView {
  const name = typeof kind === 'number' ? KINDS[kind] : kind;
  if (name === undefined || !KINDS.includes(name)) throw new TypeError('no such kind of bytes');
  const memory = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(memory).set(bytes);
  if (name === 'Buffer') return Buffer.from(memory);
  const type = Reflect.get(globalThis, name) as View | undefined;
  if (type === undefined) throw new TypeError('no such kind of bytes here');
  return new type(memory);
}
